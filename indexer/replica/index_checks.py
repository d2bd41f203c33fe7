"""Compares the indexes that processes have reported with PostgreSQL, in the background of a serving process.

PostgreSQL's digest is computed from every embedding: about half a minute for a million faces. So nobody waits
for it: the result is stored, and every process shows it.
"""

import logging
import os
import socket
from concurrent.futures import CancelledError
from functools import partial

from indexer.errors import GemelError
from indexer.records import index_checks
from indexer.records.tables import Gallery
from indexer.replica.builds import IndexBuilds
from indexer.replica.store import IndexStore
from indexer.replica.verification.contents import compare_replicas, read_contents, reported_parts

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""In a gallery that changes all the time, no process may be at the same change as PostgreSQL was."""


def request(store: IndexStore, builds: IndexBuilds, gallery: Gallery) -> None:
    """Starts a comparison, unless one is running. Raises ModelUnavailable."""
    own = store.of_gallery(gallery)
    with own.database.transaction() as session:
        begun = index_checks.begin(
            session, gallery.id, host=socket.gethostname(), pid=os.getpid(), model=own.card.fingerprint
        )
    if not begun:
        return
    try:
        builds.submit(partial(run, own, gallery), faces=gallery.face_count, first=False)
    except CancelledError:
        _finish(own, gallery, problem="the process is stopping")


def run(store: IndexStore, gallery: Gallery) -> None:
    """Stores the result, or that there is none."""
    try:
        contents = read_contents(store, gallery, reported_parts(store, gallery))
        verdicts = compare_replicas(store, gallery, contents)
        for _ in range(ATTEMPTS - 1):
            if not verdicts or any(verdict.equal is not None for verdict in verdicts):
                break
            contents = read_contents(store, gallery, reported_parts(store, gallery))
            verdicts = compare_replicas(store, gallery, contents)
    except GemelError as error:
        _finish(store, gallery, problem=error.message)
        return
    except Exception:
        log.exception("cannot compare the indexes of gallery %s with PostgreSQL", gallery.name)
        _finish(store, gallery, problem="an unexpected error; the log has the reason")
        return
    found = [verdict.equal for verdict in verdicts]
    if False in found:
        log.error("an index of gallery %s differs from PostgreSQL: rebuild it", gallery.name)
    _finish(
        store,
        gallery,
        change_number=contents.position.number,
        faces=contents.count,
        equal=found.count(True),
        different=found.count(False),
        not_compared=found.count(None),
    )


def _finish(store: IndexStore, gallery: Gallery, **result: int | str) -> None:
    try:
        with store.database.transaction() as session:
            index_checks.finish(session, gallery.id, host=socket.gethostname(), pid=os.getpid(), **result)
    except GemelError as error:
        log.warning("the comparison of gallery %s with PostgreSQL is lost: %s", gallery.name, error)
