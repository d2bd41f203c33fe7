"""The audit record, and what is kept of searches beside it."""
