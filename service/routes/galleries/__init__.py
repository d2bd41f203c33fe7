"""Galleries, their indexes, and their way to another model."""
