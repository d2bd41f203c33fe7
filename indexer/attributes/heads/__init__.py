"""One file a head. `opening.py` says which head gives which attribute, and from which weights."""
