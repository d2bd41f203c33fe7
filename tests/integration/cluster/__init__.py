"""A package, so that its Ray cluster ends with its last test, and not with the last of all."""
