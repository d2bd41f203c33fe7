"""The change log: numbers have no gaps and become visible in order, with any number of writers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from indexer.errors import EmbeddingsMissing, GalleryNotFound
from indexer.records import changes, galleries, models
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import contents, faces, identities
from indexer.records.tables import Gallery
from indexer.types import LOG_START, Change, ChangeKind, Enrolment, LogPosition
from tests.support.enrolments import enrolment

MODEL = "some-model-1"


def one_face(seed: int, model: str) -> Enrolment:
    vector = np.zeros(8, np.float32)
    vector[seed % 8] = 1
    return enrolment(seed, {model: vector})


def enrol(session: Session, gallery_id: UUID, seed: int, model: str = MODEL) -> int:
    """Enrols one person with one face. Returns the number of the change."""
    galleries.lock(session, gallery_id)
    identity = identities.create(session, gallery_id, external_id=str(seed), name=None, metadata={})
    number = models.register(session, model, 8)
    added = faces.add(session, identity.id, [one_face(seed, model)], {model: number})
    return changes.append(session, gallery_id, ChangeKind.ENROL, [face.key for face in added])


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "log")


def logged(database: Database, gallery: Gallery, after: LogPosition = LOG_START) -> list[Change]:
    with database.reading() as session:
        return changes.read_after(session, gallery.id, after, MODEL)


def numbers(database: Database, gallery: Gallery) -> list[int]:
    return [change.number for change in logged(database, gallery)]


def test_a_reader_never_sees_a_number_before_a_smaller_one(database: Database, gallery: Gallery) -> None:
    """The hazard of sequences: B takes 2 and commits while A still holds 1. A reader that saw 2 and continues
    from there misses A for good. Here B cannot take its number before A has ended."""
    a_has_its_number, b_has_committed, let_a_end = (threading.Event() for _ in range(3))

    def writer_a() -> int:
        with database.transaction() as session:
            number = enrol(session, gallery.id, 1)
            a_has_its_number.set()
            let_a_end.wait()
        return number

    def writer_b() -> int:
        with database.transaction() as session:
            number = enrol(session, gallery.id, 2)
        b_has_committed.set()
        return number

    with ThreadPoolExecutor(2) as pool:
        a = pool.submit(writer_a)
        a_has_its_number.wait()
        b = pool.submit(writer_b)
        wait_until_somebody_waits_for_a_lock(database)
        assert not b_has_committed.is_set()
        assert numbers(database, gallery) == []
        let_a_end.set()
        assert (a.result(), b.result()) == (1, 2)
    assert numbers(database, gallery) == [1, 2]


def test_a_transaction_that_rolls_back_leaves_no_gap(database: Database, gallery: Gallery) -> None:
    with database.transaction() as session:
        enrol(session, gallery.id, 1)
    with pytest.raises(RuntimeError, match="change of mind"), database.transaction() as session:
        enrol(session, gallery.id, 2)
        raise RuntimeError("change of mind")
    with database.transaction() as session:
        assert enrol(session, gallery.id, 3) == 2

    assert numbers(database, gallery) == [1, 2]


def test_a_reader_beside_many_writers_misses_no_change(database: Database, gallery: Gallery) -> None:
    """Writers and rollbacks interleave; a reader that polls the log sees 1, 2, 3, ... to the end."""
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        position = LOG_START
        while True:
            ending = done.is_set()
            for change in logged(database, gallery, after=position):
                seen.append(change.number)
                position = LogPosition(number=change.number, token=change.token)
            if ending:
                return

    def write(worker: int) -> None:
        for i in range(20):
            try:
                with database.transaction() as session:
                    enrol(session, gallery.id, 1000 * worker + i + 1)
                    if i % 5 == 4:
                        raise InterruptedError
            except InterruptedError:
                pass

    with ThreadPoolExecutor(5) as pool:
        follower = pool.submit(follow)
        for writer in [pool.submit(write, worker) for worker in range(4)]:
            writer.result()
        done.set()
        follower.result()

    assert seen == list(range(1, 4 * 16 + 1))


def test_the_enrolled_faces_equal_the_replayed_log(database: Database, gallery: Gallery) -> None:
    with database.transaction() as session:
        for seed in range(1, 6):
            enrol(session, gallery.id, seed)
        key = session.scalar(text("SELECT key FROM face ORDER BY key LIMIT 1"))
        faces.remove(session, [key])
        changes.append(session, gallery.id, ChangeKind.DELETE, [key])

    with database.repeatable_read() as session:
        fed: dict[int, np.ndarray] = {}
        position = contents.read_enrolled(
            session,
            gallery.id,
            MODEL,
            lambda keys, vectors, owners: fed.update(zip(keys.tolist(), vectors, strict=True)),
        )
    with database.reading() as session:
        log = changes.read_after(session, gallery.id, LOG_START, MODEL)

    assert position.number == log[-1].number == 6
    assert position.token == log[-1].token
    replayed = {c.key: c.vector for c in log if c.kind is ChangeKind.ENROL and c.vector is not None}
    assert list(fed) == sorted(replayed)
    for key, vector in fed.items():
        np.testing.assert_array_equal(vector, replayed[key])


def test_faces_of_another_model_are_an_error_and_never_skipped(database: Database, gallery: Gallery) -> None:
    """Reading the log and reading all faces both raise: an index would lack people."""
    with database.transaction() as session:
        enrol(session, gallery.id, 1)
        enrol(session, gallery.id, 2, model="other-model")

    with database.repeatable_read() as session, pytest.raises(EmbeddingsMissing):
        contents.read_enrolled(session, gallery.id, MODEL, lambda keys, vectors, owners: None)
    with database.reading() as session, pytest.raises(EmbeddingsMissing):
        changes.read_after(session, gallery.id, LOG_START, MODEL)


def test_a_writer_waits_for_a_deletion_of_the_gallery_and_then_finds_it_gone(
    database: Database, gallery: Gallery
) -> None:
    deleted, let_it_end = threading.Event(), threading.Event()

    def delete() -> None:
        with database.transaction() as session:
            galleries.lock(session, gallery.id)
            galleries.remove(session, gallery.id)
            deleted.set()
            let_it_end.wait()

    def write() -> None:
        with database.transaction() as session:
            enrol(session, gallery.id, 1)

    with ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(delete)
        deleted.wait()
        writing = pool.submit(write)
        wait_until_somebody_waits_for_a_lock(database)
        let_it_end.set()
        deleting.result()
        with pytest.raises(GalleryNotFound):
            writing.result()


def wait_until_somebody_waits_for_a_lock(database: Database) -> None:
    with database.reading() as session:
        while not session.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        ):
            threading.Event().wait(0.005)
