"""Explains a recorded search in words, repeats it, and stores disputes of its matches."""
