"""Notifications of changes arrive at once, after commits only, and again after the connection broke."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.records import changes, galleries
from indexer.records.database.session import Database
from indexer.records.notifications import Listener
from indexer.records.tables import Gallery
from indexer.types import ChangeKind

LONG = 60.0
"""Seconds, after which a test has failed."""


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


def test_a_commit_notifies_and_a_rollback_does_not(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    with pytest.raises(InterruptedError), database.transaction() as session:
        changes.append(session, gallery.id, ChangeKind.ENROL, [1])
        raise InterruptedError
    assert listener.wait(0.1) is None

    with database.transaction() as session:
        changes.append(session, gallery.id, ChangeKind.ENROL, [1])

    assert listener.wait(LONG) == {gallery.id}


def test_deletions_and_rebuild_requests_notify_too(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    with database.transaction() as session:
        galleries.request_rebuild(session, gallery.id, keep_tier=True)
    assert listener.wait(LONG) == {gallery.id}
    with database.transaction() as session:
        galleries.remove(session, gallery.id)
    assert listener.wait(LONG) == {gallery.id}


def test_a_dropped_connection_is_replaced_and_any_gallery_may_have_changed_meanwhile(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    """Otherwise the notifications that nobody received would be lost for good."""
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


@pytest.mark.parametrize("payload", ["", "staff", "{}", "019ab3c0-6f6e-7c4e-9d0e", "\u202e" * 300])
def test_a_notification_that_names_no_gallery_is_skipped_and_the_next_one_arrives(
    database: Database, gallery: Gallery, listener: Listener, payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as session:
        session.execute(text("SELECT pg_notify('gemel_gallery', :payload)"), {"payload": payload})
    assert listener.wait(1.0) is None

    with database.transaction() as session:
        session.execute(text("SELECT pg_notify('gemel_gallery', :payload)"), {"payload": payload})
        changes.append(session, gallery.id, ChangeKind.ENROL, [1])

    assert listener.wait(LONG) == {gallery.id}
    assert caplog.text.count("has no id") == 1, "one line, however many notifications"


def test_a_stream_of_notifications_does_not_delay_the_regular_check_of_all_galleries(
    database: Database, gallery: Gallery, listener: Listener
) -> None:
    """Otherwise a lost notification of one gallery would wait for as long as another gallery is busy."""
    heard: list[set[UUID] | None] = []
    while None not in heard and len(heard) < 10_000:
        with database.transaction() as session:
            changes.append(session, gallery.id, ChangeKind.ENROL, [1])
        heard.append(listener.wait(0.5))

    assert {gallery.id} in heard
    assert None in heard


@contextmanager
def the_first_1100_descriptors_taken() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("so many descriptors are not allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    taken: list[int] = []
    try:
        while not taken or taken[-1] < 1100:
            taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_with_more_than_1024_open_files_receives_notifications(
    database: Database, gallery: Gallery
) -> None:
    with the_first_1100_descriptors_taken():
        listener = Listener(database)
        try:
            assert listener.wait(LONG) is None
            with database.transaction() as session:
                changes.append(session, gallery.id, ChangeKind.ENROL, [1])
            assert listener.wait(LONG) == {gallery.id}
            listener.wake()
            assert listener.wait(LONG) is None
        finally:
            listener.close()
