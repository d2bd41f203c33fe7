"""The change log has an identity, and face keys are nobody else's."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import text

from indexer.cli.index import tables as index_tables
from indexer.embedding.catalog import dlib_resnet, sface
from indexer.errors import ChangesPruned, LogForked
from indexer.pipeline.models import GalleryModels
from indexer.records import changes, galleries, models, replicas
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica import maintenance, verification
from indexer.replica import status as index_status
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import LOG_START, LogPosition
from tests.integration.index.test_opening import CARD, read, unit
from tests.integration.index.test_opening import enrol as enrol_faces
from tests.integration.records.test_changes import MODEL, enrol


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "staff")


def enrolled(database: Database, gallery: Gallery, *seeds: int) -> list[LogPosition]:
    """Positions after each."""
    for seed in seeds:
        with database.transaction() as session:
            enrol(session, gallery.id, seed)
    with database.reading() as session:
        log = changes.read_after(session, gallery.id, LOG_START, MODEL)
    return [LogPosition(number=change.number, token=change.token) for change in log]


def keys(database: Database, gallery: Gallery) -> list[int]:
    with database.reading() as session:
        return [change.key for change in changes.read_after(session, gallery.id, LOG_START, MODEL)]


def forget_the_last(database: Database, count: int, position: LogPosition) -> None:
    """What a restore of a backup does to the gallery."""
    with database.transaction() as session:
        session.execute(text("DELETE FROM change WHERE number > :number"), {"number": position.number})
        session.execute(
            text(
                "DELETE FROM identity WHERE id IN"
                " (SELECT id FROM identity ORDER BY created_at DESC, id DESC LIMIT :count)"
            ),
            {"count": count},
        )
        session.execute(
            text(
                "UPDATE gallery SET change_number = :number, change_token = :token,"
                " face_count = face_count - :count, last_face_key = (SELECT max(key) FROM face)"
            ),
            {"number": position.number, "token": position.token, "count": count},
        )


def test_of_a_log_that_was_set_back_the_lost_positions_are_known_as_foreign_ever_after(
    database: Database, gallery: Gallery
) -> None:
    """While the log is shorter, when it is as long again, and when it is longer."""
    kept = enrolled(database, gallery, 1, 2, 3)
    lost = enrolled(database, gallery, 4, 5)[3:]
    forget_the_last(database, 2, kept[-1])

    for newcomer in (10, 11, 12, 13):
        with database.reading() as session:
            for position in [LOG_START, *kept]:
                changes.check(session, gallery.id, position)
            for position in lost:
                with pytest.raises(LogForked, match="another history"):
                    changes.check(session, gallery.id, position)
                with pytest.raises(LogForked, match="another history"):
                    changes.read_after(session, gallery.id, position, MODEL)
        enrolled(database, gallery, newcomer)


def test_an_index_at_the_last_pruned_change_goes_on_and_a_foreign_one_does_not(
    database: Database, gallery: Gallery
) -> None:
    """A quiet gallery: the log was pruned to its end, and then somebody is enrolled."""
    *older, last = enrolled(database, gallery, 1, 2, 3)
    with database.transaction() as session:
        assert changes.prune(session, gallery.id, older_than=timedelta()) == 3
    foreign = LogPosition(number=last.number, token=older[0].token)
    for newcomer in (4, 5):
        with database.reading() as session:
            following = changes.read_after(session, gallery.id, last, MODEL)
            with pytest.raises(LogForked):
                changes.read_after(session, gallery.id, foreign, MODEL)
            with pytest.raises(ChangesPruned):
                changes.read_after(session, gallery.id, older[-1], MODEL)
        assert [change.number for change in following] == list(range(4, newcomer))
        with database.transaction() as session:
            enrol(session, gallery.id, newcomer)


def test_face_keys_ascend_within_a_gallery_and_are_not_used_again_after_a_restore(
    database: Database, gallery: Gallery
) -> None:
    kept = enrolled(database, gallery, 1, 2, 3)
    enrolled(database, gallery, 4, 5)
    before = keys(database, gallery)
    forget_the_last(database, 2, kept[-1])

    enrolled(database, gallery, 14, 15, 16)

    after = keys(database, gallery)
    assert after[:3] == before[:3]
    assert not set(after[3:]) & set(before)
    assert after == sorted(after)
    assert before == sorted(before)
    assert max(after) < 2**53, "programs that have no larger whole numbers read them too"


def test_face_keys_ascend_when_the_clock_of_the_server_was_set_back(
    database: Database, gallery: Gallery
) -> None:
    far_ahead = 2**52
    with database.transaction() as session:
        session.execute(text("UPDATE gallery SET last_face_key = :key"), {"key": far_ahead})

    enrolled(database, gallery, 1, 2, 3)

    assert far_ahead < keys(database, gallery)[0]
    assert keys(database, gallery) == sorted(set(keys(database, gallery)))


def test_two_galleries_that_draw_the_same_key_both_get_one(database: Database, gallery: Gallery) -> None:
    """The same chance at the same time: the second one draws again."""
    with database.transaction() as session:
        other = galleries.create(session, "other")
        session.execute(text("UPDATE gallery SET last_face_key = :key"), {"key": 2**52})

    for one in (gallery, other):
        with database.transaction() as session:
            session.execute(text("SELECT setseed(0.5)"))
            enrol(session, one.id, 1)

    assert len({*keys(database, gallery), *keys(database, other)}) == 2


def test_a_model_whose_number_another_model_has_after_a_restore_is_not_taken_for_it(
    database: Database, gallery: Gallery
) -> None:
    """By a process that runs all the while."""
    known = GalleryModels(database, sface(mirror=True))
    with database.transaction() as session:
        number = known.number_of(dlib_resnet(mirror=True))
        galleries.lock(session, gallery.id).model_id = number
    assert known.for_gallery(read(database)) == dlib_resnet(mirror=True)

    with database.transaction() as session:
        session.execute(
            text("UPDATE model SET fingerprint = :new WHERE id = :number"),
            {"new": sface(mirror=False).fingerprint, "number": number},
        )

    assert known.for_gallery(read(database)) == sface(mirror=False)
    assert known.by_number(number) == sface(mirror=False)
    assert known.number_of(dlib_resnet(mirror=True)) != number
    with database.reading() as session:
        assert models.find(session, sface(mirror=False).fingerprint) == number


def test_an_index_that_is_ahead_of_a_row_read_earlier_answers_without_being_opened_anew(
    database: Database, gallery: Gallery, tmp_path: Path
) -> None:
    """Another request has replayed newer changes meanwhile: nothing is wrong, and nothing is rebuilt."""
    enrol_faces(database, gallery.id, unit(1, 3))
    index_store = IndexStore.of(Settings(home=tmp_path), database, CARD)
    index_cache = IndexCache(database, index_store, patience_seconds=60)
    earlier = read(database)
    enrol_faces(database, gallery.id, unit(2, 3))
    index = index_cache.caught_up(read(database))

    assert index_cache.caught_up(earlier) is index
    [[nearest]] = index.search(unit(2, 3)[:1], 1)
    np.testing.assert_allclose(nearest.score, 1, atol=1e-5)
    index_cache.close()


def test_verify_tells_a_running_index_of_another_history_even_with_the_same_number_and_contents(
    database: Database, gallery: Gallery, tmp_path: Path
) -> None:
    enrol_faces(database, gallery.id, unit(1, 3))
    index_store = IndexStore.of(Settings(home=tmp_path), database, CARD)
    digest, position = verification.verify(index_store, read(database)).digest, read(database).position
    with database.transaction() as session:
        process = replicas.register(session, host="here", pid=1, version="1")

    equal = []
    for token in (position.token, uuid4()):
        with database.transaction() as session:
            report = replicas.StatusReport(
                gallery_id=gallery.id,
                state="ready",
                problem=None,
                model=CARD.fingerprint,
                applied=position.number,
                token=token,
                digest=digest,
            )
            assert replicas.report(session, process, [report], [])
        [verdict] = verification.verify(index_store, read(database)).replicas
        equal.append(verdict.equal)

    assert equal == [True, False]


def test_the_status_says_which_snapshots_are_not_used_and_why(
    database: Database, gallery: Gallery, tmp_path: Path
) -> None:
    """Of a database that was set back: how far behind they are is no question any more."""
    enrol_faces(database, gallery.id, unit(1, 3))
    index_store = IndexStore.of(Settings(home=tmp_path), database, CARD)
    kept = read(database).position
    good = maintenance.snapshot(index_store, read(database))
    enrol_faces(database, gallery.id, unit(2, 1))
    lost = maintenance.snapshot(index_store, read(database))
    forget_the_last(database, 1, kept)

    [status] = index_status.of_galleries(database, [read(database)])
    row = index_tables.status(status, index_status.of_snapshots(index_store, read(database)))

    rows = {one["snapshot"]: (one["lag"], one["problem"]) for one in row["snapshots"]}
    assert rows.keys() == {good, lost}
    assert rows[good] == (0, None)
    lag, problem = rows[lost]
    assert lag is None
    assert "another history" in problem
