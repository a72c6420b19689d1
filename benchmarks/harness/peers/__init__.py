"""One module a peer: a table ``OPERATIONS`` of functions that prepare a Task."""
