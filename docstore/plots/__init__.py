"""Plots of Documents: pages, sheets of pictures, animations."""
