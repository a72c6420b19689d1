"""Measures docstore beside its peers: every peer in a process of its own, runs interleaved."""
