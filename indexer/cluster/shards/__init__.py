"""Sets of shards: the actors that hold them, where these are, and how a set comes and goes."""
