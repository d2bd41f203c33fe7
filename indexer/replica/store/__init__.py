"""Where an index comes from, in which tier, and what stays of it on this machine's disk."""

from indexer.replica.store.index_store import IndexStore
from indexer.replica.store.stored_index import StoredIndex

__all__ = ["IndexStore", "StoredIndex"]
