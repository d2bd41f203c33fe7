"""Gemel beside libraries for the same work, on the same photographs: `python -m benchmarks.peers`."""
