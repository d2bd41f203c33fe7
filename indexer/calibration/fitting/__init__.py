"""Measures impostor scores and fits a score curve to them."""
