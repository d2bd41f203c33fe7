"""Groups of one person each, from faces that nobody has named."""
