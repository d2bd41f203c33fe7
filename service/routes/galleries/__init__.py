"""Galleries, their indexes, calibrations, and changes of their model."""
