"""Searches among some people: which rows are theirs, and the nearest of these rows."""
