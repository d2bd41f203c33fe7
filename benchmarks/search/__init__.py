"""How fast and how exact a search is, beside FAISS and pgvector: `python -m benchmarks.search`."""
