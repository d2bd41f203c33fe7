"""Shards of large galleries on a Ray cluster: its nodes, its token, and the searches that fan out to them."""
