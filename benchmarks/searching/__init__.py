"""What `benchmarks/search.py` lets compete, and how: a module for each kind of contender."""
