"""Adds files to an import, some at a time: this keeps transactions short and the use of memory low."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.imports import files, jobs
from indexer.records.imports.files import NewFile

BATCH_BYTES = 8_000_000
BATCH_FILES = 500


@dataclass(slots=True, kw_only=True)
class Received:
    files: int = 0
    added: int = 0
    """The others were there already, by name and content."""
    skipped: int = 0
    """Of all: neither pictures nor usable lines. They are listed with the import's files."""


def receive(
    database: Database,
    gallery: str,
    import_id: UUID,
    new: Iterable[NewFile],
    *,
    check_room: Callable[[Session], object],
) -> Received:
    """Adds the files in transactions of some megabytes. What was added stays where a later one fails: the
    caller sends all of them again.

    `check_room` is called before each transaction. Raises GalleryNotFound, ImportNotFound, ImportState,
    ImportFull, and what `check_room` and `new` raise.
    """
    received = Received()
    batch: list[NewFile] = []
    size = 0

    def add() -> None:
        with database.reading() as session:
            check_room(session)
        with database.transaction() as session:
            found = galleries.get(session, gallery)
            job = jobs.get(session, found.id, import_id, lock=True)
            if job.people_by == "nobody":
                new = [replace(file, external_id=None, person_name=None, metadata={}) for file in batch]
                received.added += files.add(session, job, new)
            else:
                received.added += files.add(session, job, batch)

    for file in new:
        if batch and (size + file.size > BATCH_BYTES or len(batch) == BATCH_FILES):
            add()
            batch, size = [], 0
        batch.append(file)
        size += 0 if file.data is None else file.size
        received.files += 1
        received.skipped += file.code is not None
    add()
    return received
