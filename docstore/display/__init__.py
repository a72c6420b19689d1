"""How Documents and arrays look: in a terminal, in a notebook."""
