"""Compares the old and the new model on the gallery's own faces, and judges the acceptance criteria."""
