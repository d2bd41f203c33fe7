"""Being told of changes: at once, through commits only, and again after the connection broke."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.records import changes, galleries
from indexer.records.models import Gallery
from indexer.records.notices import Listener
from indexer.records.session import Database
from indexer.types import ChangeKind

LONG = 60.0
"""Seconds: a test that waits so long has failed."""


@pytest.fixture
def listener(database: Database) -> Iterator[Listener]:
    listener = Listener(database)
    assert listener.wait(LONG) is None, "whatever happened before it listened"
    yield listener
    listener.close()


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "staff")


def test_a_commit_is_heard_and_a_rollback_is_not(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    with pytest.raises(InterruptedError), database.transaction() as session:
        changes.append(session, gallery.id, ChangeKind.ENROL, [1])
        raise InterruptedError
    assert listener.wait(0.1) is None

    with database.transaction() as session:
        changes.append(session, gallery.id, ChangeKind.ENROL, [1])

    assert listener.wait(LONG) == {gallery.id}


def test_deletions_and_rebuilds_are_heard_too(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    with database.transaction() as session:
        galleries.ask_for_rebuild(session, gallery.id, keep_tier=True)
    assert listener.wait(LONG) == {gallery.id}
    with database.transaction() as session:
        galleries.remove(session, gallery.id)
    assert listener.wait(LONG) == {gallery.id}


def test_a_dropped_connection_is_made_again_and_all_is_looked_at_meanwhile(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    """What was announced while nobody listened would otherwise be missed for good."""
    with database.reading() as session:
        session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        )
    heard: list[set[UUID] | None] = []
    while {gallery.id} not in heard and len(heard) < 10:
        with database.transaction() as session:
            changes.append(session, gallery.id, ChangeKind.ENROL, [1])
        heard.append(listener.wait(LONG))

    assert heard[0] is None
    assert heard[-1] == {gallery.id}


def test_waking_ends_the_wait_at_once(listener: Listener) -> None:
    listener.wake()

    assert listener.wait(LONG) is None
