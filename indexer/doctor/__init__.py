"""Examines an installation: problems, and what to do about them."""
