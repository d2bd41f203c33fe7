"""API keys, and what they have used of their limits."""
