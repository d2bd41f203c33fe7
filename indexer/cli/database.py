"""The database and the index store, opened for one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.replica.store import IndexStore


@contextmanager
def open_index_store(settings: Settings) -> "Iterator[IndexStore]":
    """An index store on a database with the current schema. The end of the block closes the database."""
    from indexer.records.database import schema
    from indexer.records.database.session import Database
    from indexer.records.embedded import database_url
    from indexer.replica.store import IndexStore
    from indexer.usecases.bootstrap import default_card

    database = Database(database_url(settings), audit=settings.audit == "on")
    try:
        schema.prepare(settings, database)
        yield IndexStore.of(settings, database, default_card(settings))
    finally:
        database.close()
