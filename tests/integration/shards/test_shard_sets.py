"""Sets of shards in PostgreSQL: one row decides which set serves a gallery, also between processes."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from indexer.cluster.reshard import reshard
from indexer.errors import Busy, GalleryNotFound, InvalidRequest, ShardSetNotFound
from indexer.records import galleries, shard_sets
from indexer.records.database.session import Database, Session
from indexer.records.notifications import Listener
from indexer.records.tables import Gallery, ShardSet
from indexer.settings import Settings
from indexer.types import Part
from tests.support.home import wait_for

MODEL = "some-model-1"
UNCOUNTED = "ray://127.0.0.1:9"
"""A client server, whose head is not known: no node is counted."""


def begun(session: Session, gallery: Gallery, *, model: str = MODEL, shards: int = 3) -> ShardSet:
    return shard_sets.begin(session, gallery.id, model, shards=shards, copies=2, block=4)


def begin(database: Database, gallery: Gallery, *, model: str = MODEL, shards: int = 3) -> ShardSet:
    with database.transaction() as session:
        return begun(session, gallery, model=model, shards=shards)


def activate(database: Database, set_id: UUID) -> ShardSet | None:
    with database.transaction() as session:
        return shard_sets.activate(session, set_id)


def end(database: Database, gallery: Gallery) -> None:
    with database.transaction() as session:
        shard_sets.end(session, gallery.id, MODEL)


def states(database: Database, gallery: Gallery) -> list[tuple[UUID, str]]:
    with database.reading() as session:
        return [(one.id, one.state) for one in shard_sets.of_galleries(session, [gallery.id])[gallery.id]]


def is_blocked(database: Database) -> bool:
    """Whether a transaction waits for another one."""
    with database.reading() as session:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(session.scalar(waiting))


def test_a_set_knows_the_parts_of_its_shards(database: Database, gallery: Gallery) -> None:
    made = begin(database, gallery, shards=2)
    assert made.parts == [Part(shard=0, shards=2, block=4), Part(shard=1, shards=2, block=4)]
    assert (made.state, made.copies, made.activated_at) == ("building", 2, None)
    with database.reading() as session:
        assert shard_sets.active(session, gallery.id, MODEL) is None


def test_processes_that_begin_at_once_get_one_set(database: Database, gallery: Gallery) -> None:
    processes = 8
    barrier = Barrier(processes)

    def process(_: int) -> UUID:
        barrier.wait()
        return begin(database, gallery).id

    with ThreadPoolExecutor(processes) as pool:
        made = set(pool.map(process, range(processes)))
    assert states(database, gallery) == [(made.pop(), "building")]
    assert not made


def test_a_process_that_begins_while_another_one_does_waits_and_gets_its_set(
    database: Database, gallery: Gallery
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            first = begun(session, gallery, shards=5)
            second: Future[ShardSet] = pool.submit(begin, database, gallery, shards=7)
            wait_for(lambda: is_blocked(database))
        assert (second.result().id, second.result().shards) == (first.id, 5)


def test_a_process_that_waits_for_one_that_fails_begins_a_set_itself(
    database: Database, gallery: Gallery
) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ZeroDivisionError),
        database.transaction() as session,
    ):
        begun(session, gallery)
        second: Future[ShardSet] = pool.submit(begin, database, gallery)
        wait_for(lambda: is_blocked(database))
        raise ZeroDivisionError
    assert states(database, gallery) == [(second.result().id, "building")]


def test_each_model_of_a_gallery_has_sets_of_its_own(database: Database, gallery: Gallery) -> None:
    one, other = begin(database, gallery), begin(database, gallery, model="other-1")
    assert one.id != other.id
    assert activate(database, one.id) is None
    assert activate(database, other.id) is None
    with database.reading() as session:
        for model, made in ((MODEL, one), ("other-1", other)):
            serving = shard_sets.active(session, gallery.id, model)
            assert serving is not None
            assert serving.id == made.id


def test_a_switch_is_seen_as_a_whole(database: Database, gallery: Gallery) -> None:
    old = begin(database, gallery)
    activate(database, old.id)
    new = begin(database, gallery, shards=5)
    with database.transaction() as session:
        before = shard_sets.activate(session, new.id)
        assert states(database, gallery) == [(old.id, "active"), (new.id, "building")]
    assert before is not None
    assert (before.id, before.state) == (old.id, "retired")
    assert before.retired_at is not None
    assert states(database, gallery) == [(old.id, "retired"), (new.id, "active")]


def test_of_two_processes_that_activate_a_set_one_succeeds(database: Database, gallery: Gallery) -> None:
    made = begin(database, gallery)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            shard_sets.activate(session, made.id)
            second = pool.submit(activate, database, made.id)
            wait_for(lambda: is_blocked(database))
        with pytest.raises(ShardSetNotFound):
            second.result()
    assert states(database, gallery) == [(made.id, "active")]


def test_a_set_that_was_dropped_cannot_be_activated(database: Database, gallery: Gallery) -> None:
    made = begin(database, gallery)
    with database.transaction() as session:
        assert shard_sets.drop(session, made.id)
        assert not shard_sets.drop(session, made.id)
    with pytest.raises(ShardSetNotFound):
        activate(database, made.id)
    assert begin(database, gallery).id != made.id


def test_a_set_that_serves_is_dropped_only_after_it_is_retired(database: Database, gallery: Gallery) -> None:
    made = begin(database, gallery)
    activate(database, made.id)
    with database.transaction() as session:
        assert not shard_sets.drop(session, made.id)
        assert shard_sets.retire(session, made.id)
        assert not shard_sets.retire(session, made.id)
    with database.transaction() as session:
        assert shard_sets.active(session, gallery.id, MODEL) is None
        assert shard_sets.drop(session, made.id)
    assert states(database, gallery) == []


@pytest.mark.parametrize("one_serves", [False, True])
def test_a_set_that_is_activated_while_the_gallery_leaves_its_model_is_retired(
    database: Database, gallery: Gallery, one_serves: bool
) -> None:
    if one_serves:
        activate(database, begin(database, gallery).id)
    made = begin(database, gallery, shards=5)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            shard_sets.activate(session, made.id)
            ending = pool.submit(end, database, gallery)
            wait_for(lambda: is_blocked(database))
        ending.result()
    after = states(database, gallery)
    assert after[-1] == (made.id, "retired")
    assert {state for _, state in after} == {"retired"}


def test_the_sets_of_a_gallery_are_deleted_with_it(database: Database, gallery: Gallery) -> None:
    made = begin(database, gallery)
    activate(database, made.id)
    begin(database, gallery)
    with database.transaction() as session:
        galleries.remove(session, gallery.id)
    with database.reading() as session:
        assert session.scalars(select(ShardSet)).all() == []
        with pytest.raises(ShardSetNotFound):
            shard_sets.get(session, made.id)


def test_a_set_of_a_gallery_that_is_deleted_is_not_begun(database: Database, gallery: Gallery) -> None:
    with database.transaction() as session:
        galleries.remove(session, gallery.id)
    with pytest.raises(GalleryNotFound):
        begin(database, gallery)


@pytest.mark.parametrize("step", ["activate", "retire", "rebuild"])
def test_processes_are_notified_of_a_change_of_a_set(database: Database, gallery: Gallery, step: str) -> None:
    made = begin(database, gallery)
    if step != "activate":
        activate(database, made.id)
    listener = Listener(database)
    try:
        listener.wait(0.01)  # connects
        with database.transaction() as session:
            if step == "activate":
                shard_sets.activate(session, made.id)
            elif step == "retire":
                shard_sets.retire(session, made.id)
            else:
                shard_sets.request_rebuild(session, made.id, 0)
        assert listener.wait(60) == {gallery.id}
    finally:
        listener.close()


def requested(session: Session, gallery: Gallery, made: ShardSet) -> Sequence[int]:
    """By shard; of the gallery where that is later."""
    whole = galleries.by_ids(session, [gallery.id])[gallery.id].rebuild_number
    return [max(whole, shard_sets.requested_rebuild(session, gallery.id, MODEL, part)) for part in made.parts]


def test_requests_to_rebuild_a_shard_and_the_gallery_are_counted_together(
    database: Database, gallery: Gallery
) -> None:
    made = begin(database, gallery)
    with database.transaction() as session:
        assert requested(session, gallery, made) == [0, 0, 0]
        assert shard_sets.request_rebuild(session, made.id, 1) == 1
        assert requested(session, gallery, made) == [0, 1, 0]
        assert shard_sets.request_rebuild(session, made.id, 2) == 2
    with database.transaction() as session:
        galleries.request_rebuild(session, gallery.id, keep_tier=True)
    with database.transaction() as session:
        assert requested(session, gallery, made) == [3, 3, 3]


def test_a_shard_that_a_set_does_not_have_cannot_be_rebuilt(database: Database, gallery: Gallery) -> None:
    made = begin(database, gallery)
    for set_id, shard in ((made.id, 3), (made.id, -1), (uuid4(), 0)):
        with pytest.raises(ShardSetNotFound), database.transaction() as session:
            shard_sets.request_rebuild(session, set_id, shard)


def test_one_process_works_on_a_set_at_a_time(database: Database, gallery: Gallery) -> None:
    made, other = begin(database, gallery), begin(database, gallery, model="other-1")
    with database.transaction() as session:
        assert shard_sets.try_lock(session, made.id)
        with database.transaction() as another:
            assert not shard_sets.try_lock(another, made.id)
            assert shard_sets.try_lock(another, other.id)
    with database.transaction() as session:
        assert shard_sets.try_lock(session, made.id)


def test_a_reshard_is_rejected_while_a_set_with_other_numbers_is_built(
    database: Database, gallery: Gallery
) -> None:
    begin(database, gallery, shards=3)
    settings, gallery.face_count = Settings(cluster=UNCOUNTED, shard_faces=1), 1

    same = reshard(database, settings, gallery, MODEL, shards=3, copies=2)
    assert same.shard_set.shards == 3
    assert "the nodes are not counted" in str(same.warning)
    for shards, copies in [(4, 2), (3, 1)]:
        with pytest.raises(Busy, match="3 shards, 2 copies of each, are already being built"):
            reshard(database, settings, gallery, MODEL, shards=shards, copies=copies)


def test_a_reshard_needs_no_gemel_shard_faces_where_a_set_serves(
    database: Database, gallery: Gallery
) -> None:
    settings = Settings(cluster=UNCOUNTED)
    assert gallery.face_count < settings.shard_faces / 2
    with pytest.raises(InvalidRequest, match="GEMEL_SHARD_FACES"):
        reshard(database, settings, gallery, MODEL, shards=4, copies=2)
    activate(database, begin(database, gallery, shards=3).id)

    assert reshard(database, settings, gallery, MODEL, shards=4, copies=2).shard_set.shards == 4
