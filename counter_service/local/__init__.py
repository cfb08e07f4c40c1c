"""The stack on this machine: the same graph and the same archive, on an embedded AWS."""
