"""What commands about indexes and models work on: the database, checked, and where its indexes lie."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.recognition.opening import Opener


@contextmanager
def opened(settings: Settings) -> "Iterator[Opener]":
    from indexer.recognition.assembly import card
    from indexer.recognition.opening import Opener
    from indexer.records import schema
    from indexer.records.embedded import database_url
    from indexer.records.session import Database

    database = Database(database_url(settings))
    try:
        schema.prepare(settings, database)
        yield Opener.of(settings, database, card(settings))
    finally:
        database.close()
