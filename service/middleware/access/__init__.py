"""Decides whether a request is allowed, by its origin, its key, and the role and limits of the key."""
