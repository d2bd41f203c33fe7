"""A search of all shards at once: calls of their copies, hedged; the merge of the answers."""
