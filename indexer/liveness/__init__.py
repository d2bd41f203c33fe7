"""Liveness of a short burst of frames: evidence over time, and movements that the server has drawn."""
