"""Writes the search words of people who have none: older ones, and those of older processes."""

import logging
import time

from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.records.enrolled.words import search_words

log = logging.getLogger(__name__)

BATCH = 1_000
"""People of a transaction, whose rows are locked for some milliseconds."""
LOG_INTERVAL_SECONDS = 10.0

_EXISTS = text("SELECT EXISTS (SELECT FROM identity WHERE search_words IS NULL)")
_NEXT = text(
    "SELECT id, name, external_id, metadata FROM identity WHERE search_words IS NULL"
    " ORDER BY id LIMIT :limit FOR NO KEY UPDATE"
)
_WRITE = text(
    "UPDATE identity SET search_words = CAST(written.words AS tsvector)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:words AS text[])) AS written (id, words)"
    " WHERE identity.id = written.id"
)


def exist(database: Database) -> bool:
    """Whether `q` does not find somebody because of that. Raises DatabaseUnavailable."""
    with database.reading() as session:
        return bool(session.scalar(_EXISTS))


def complete(database: Database) -> int:
    """Writes them in batches, while others read and write. Returns how many. Raises DatabaseUnavailable."""
    written, log_at = 0, time.monotonic() + LOG_INTERVAL_SECONDS
    while count := _write(database):
        written += count
        if time.monotonic() > log_at:
            log.info("search words of %d people written", written)
            log_at = time.monotonic() + LOG_INTERVAL_SECONDS
    return written


def _write(database: Database) -> int:
    with database.transaction() as session:
        rows = session.execute(_NEXT, {"limit": BATCH}).all()
        if rows:
            words = [search_words.document(row.name, row.external_id, row.metadata) for row in rows]
            session.execute(_WRITE, {"ids": [str(row.id) for row in rows], "words": words})
    return len(rows)
