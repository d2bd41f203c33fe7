"""The index of a shard: opened, kept, rebuilt and proved, as that of a whole gallery is."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.cli.index import tables as index_tables
from indexer.embedding.catalog import sface
from indexer.errors import EmbeddingsMissing, SnapshotForeign
from indexer.records import changes, galleries, models, replicas, shard_sets
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, person_templates
from indexer.records.tables import Gallery, ShardSet
from indexer.replica import index_checks, maintenance, verification
from indexer.replica import status as index_status
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import ChangeKind, GalleryState, Part, Tier, Vectors
from tests.support.enrolments import enrolment
from tests.support.home import wait_for
from tests.support.indexed_people import new_person
from tests.support.vectors import unit_vectors

CARD = sface(mirror=True)
SHARDS, BLOCK = 3, 2


@pytest.fixture
def index_store(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexStore:
    """That writes snapshots of few faces already."""
    monkeypatch.setattr("indexer.replica.store.index_store.SNAPSHOT_MIN_FACES", 5)
    return IndexStore.of(Settings(home=tmp_path), database, CARD)


def unit(number: int) -> Vectors:
    vector: Vectors = unit_vectors(number, 1, CARD.dimension)[0]
    return vector


def enrol(database: Database, gallery: Gallery, *numbers: int, by: str = CARD.fingerprint) -> list[int]:
    """A person for each of the numbers, with one face; the faces' keys."""
    keys = []
    for number in numbers:
        person = new_person(database, gallery, str(number))
        keys += add(database, gallery, person, number, by=by)
    return keys


def add(
    database: Database, gallery: Gallery, person: UUID, number: int, by: str = CARD.fingerprint
) -> list[int]:
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        model = models.register(session, by, CARD.dimension)
        added = faces.add(session, person, [enrolment(number, {by: unit(number)})], {by: model})
        keys = [face.key for face in added]
        templates = person_templates.replace(session, gallery.id, [person])
        changes.append(session, gallery.id, ChangeKind.ENROL, keys, templates)
    return keys


def delete(database: Database, gallery: Gallery, keys: list[int]) -> None:
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        faces.remove(session, keys)
        changes.append(session, gallery.id, ChangeKind.DELETE, keys)


def read(database: Database, gallery: Gallery) -> Gallery:
    with database.reading() as session:
        return galleries.by_ids(session, [gallery.id])[gallery.id]


def begin(database: Database, gallery: Gallery, *, shards: int = SHARDS, active: bool = True) -> ShardSet:
    with database.transaction() as session:
        made = shard_sets.begin(session, gallery.id, CARD.fingerprint, shards=shards, copies=1, block=BLOCK)
        if active:
            shard_sets.activate(session, made.id)
    return made


@contextmanager
def shards_of(index_store: IndexStore, shards: int = SHARDS) -> Iterator[list[IndexCache]]:
    """The caches of the processes that hold the shards."""
    with ExitStack() as stack:
        caches = []
        for part in Part.every(shards, BLOCK):
            cache = IndexCache(index_store.database, index_store.of_part(part), patience_seconds=60)
            stack.callback(cache.close)
            caches.append(cache)
        yield caches


def catch_up(database: Database, gallery: Gallery, caches: list[IndexCache]) -> int:
    """How many faces the shards hold together."""
    row = read(database, gallery)
    found = [cache.of(row, CARD).caught_up(GalleryState.of(row), time.monotonic() + 60) for cache in caches]
    return sum(index.faces for index in found)


def report(database: Database, caches: list[IndexCache], made: ShardSet | None = None) -> list[UUID]:
    """What the processes report; their ids."""
    ids = []
    for number, cache in enumerate(caches):
        with database.transaction() as session:
            process = replicas.register(
                session,
                host=f"node-{number}",
                pid=1,
                version="1",
                shard_set_id=None if made is None else made.id,
            )
            assert replicas.report(session, process, cache.reports(), [])
        ids.append(process)
    return ids


def test_shards_keep_snapshots_of_their_own_and_start_from_them(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    begin(database, gallery)
    with shards_of(index_store) as caches:
        assert catch_up(database, gallery, caches) == 20
    enrol(database, gallery, 20, 21, 22)
    with shards_of(index_store) as caches:
        assert catch_up(database, gallery, caches) == 23
        written = [report.snapshot for cache in caches for report in cache.reports()]
    stores = index_status.with_parts(index_store, gallery)
    assert [store.part for store in stores] == [None, *Part.every(SHARDS, BLOCK)]
    [of_whole, *of_shards] = [[one.name for one in index_status.of_snapshots(s, gallery)] for s in stores]
    assert of_whole == []
    assert [name for [name] in of_shards] == written
    IndexStore.rebuild(index_store, read(database, gallery))
    assert index_store.open(gallery.id).index.faces == 23, "the snapshots of shards are none of the gallery's"


def test_a_snapshot_of_another_shard_is_not_loaded(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    one, other = (index_store.of_part(part) for part in Part.every(2, BLOCK))
    name = one.rebuild(read(database, gallery))
    foreign = other.snapshots(gallery)
    foreign.path.mkdir(parents=True)
    (one.snapshots(gallery).path / name).rename(foreign.path / name)
    with pytest.raises(SnapshotForeign, match="another part"):
        foreign.load(name)
    assert other.open(gallery.id).snapshot != name


def test_snapshots_of_shards_that_are_gone_are_removed(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    old = begin(database, gallery)
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
    new = begin(database, gallery, shards=2, active=False)
    with shards_of(index_store, 2) as caches:
        catch_up(database, gallery, caches)
        both = [store.part for store in index_status.with_parts(index_store, gallery)]
        with database.transaction() as session:
            shard_sets.activate(session, new.id)
            shard_sets.drop(session, old.id)
    with shards_of(index_store, 2) as caches:
        catch_up(database, gallery, caches)
    assert both == [None, *Part.every(2, BLOCK), *Part.every(SHARDS, BLOCK)]
    left = [store.part for store in index_status.with_parts(index_store, gallery)]
    assert left == [None, *Part.every(2, BLOCK)]


def test_the_size_of_the_part_decides_about_its_tier_and_its_snapshots(
    database: Database, gallery: Gallery, index_store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.replica.store.tier_choice.COMPACT_FROM", 20)
    monkeypatch.setattr("indexer.replica.store.index_store.SNAPSHOT_MIN_FACES", 12)
    enrol(database, gallery, *range(30))
    row = read(database, gallery)
    assert index_store.tiers.on_disk(row) is Tier.COMPACT
    large, small = (index_store.of_part(Part(shard=0, shards=n, block=BLOCK)) for n in (2, 3))
    assert [store.tiers.on_disk(row) for store in (large, small)] == [Tier.EXACT, Tier.EXACT]
    assert large.open(gallery.id).snapshot is not None
    assert small.open(gallery.id).snapshot is None


def test_a_face_without_embedding_keeps_only_its_own_shard_from_opening(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(8))
    enrol(database, gallery, 8, by="other-1")
    row = read(database, gallery)
    with shards_of(index_store) as caches:
        failed = []
        for shard, cache in enumerate(caches):
            try:
                cache.of(row, CARD).caught_up(row, time.monotonic() + 60)
            except EmbeddingsMissing as error:
                failed.append((shard, error.details["faces"]))
        [(shard, missing)] = failed
        assert missing == 1
        assert caches[shard].reports()[0].state == "failed"


def test_a_shard_of_a_database_that_was_set_back_is_opened_again(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(12))
    before = read(database, gallery)
    with shards_of(index_store) as caches:
        enrol(database, gallery, 100, 101)
        assert catch_up(database, gallery, caches) == 14
        with database.transaction() as session:  # what a restore of a backup does
            number, token = before.change_number, before.change_token
            session.execute(text("DELETE FROM change WHERE number > :number"), {"number": number})
            session.execute(text("DELETE FROM identity WHERE external_id IN ('100', '101')"))
            session.execute(
                text("UPDATE gallery SET change_number = :number, change_token = :token, face_count = 12"),
                {"number": number, "token": token},
            )
        enrol(database, gallery, 200, 201)
        assert catch_up(database, gallery, caches) == 14
        report(database, caches)
    found = verification.verify(index_store, read(database, gallery))
    assert found.clean


def test_a_rebuild_of_one_shard_is_made_by_that_shard_alone(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    begin(database, gallery)
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
        before = [cache.reports()[0].snapshot for cache in caches]

        def rebuilt() -> list[bool]:
            for cache in caches:
                cache.sync()
            after = [cache.reports()[0] for cache in caches]
            return [
                one.snapshot != old and one.state == "ready" for one, old in zip(after, before, strict=True)
            ]

        maintenance.rebuild_shard(index_store, read(database, gallery), 1)
        wait_for(lambda: rebuilt() == [False, True, False])
        assert maintenance.rebuild(index_store, read(database, gallery)) is None
        wait_for(lambda: rebuilt() == [True, True, True])
    assert index_store.snapshots(gallery).names() == [], "no machine builds the whole gallery"


def test_verify_proves_each_shard_and_that_the_shards_add_up(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    made = begin(database, gallery)
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
        report(database, caches, made)
    found = verification.verify(index_store, read(database, gallery))
    assert found.clean
    [of_set] = found.sets
    assert of_set.adds_up
    assert [proof.part for proof in of_set.shards] == made.parts
    assert all(proof.snapshot and proof.index_digest == proof.digest for proof in of_set.shards)
    assert sum(proof.count for proof in of_set.shards) == found.count == 20
    assert [(one.shard, one.equal) for one in found.replicas] == [(0, True), (1, True), (2, True)]


def test_verify_says_which_shard_differs(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    keys = enrol(database, gallery, *range(20))
    made = begin(database, gallery)
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
        report(database, caches, made)
    with database.transaction() as session:
        session.execute(
            text("UPDATE embedding SET vector = :vector WHERE face_key = :key"),
            {"vector": unit(77).tobytes(), "key": keys[2]},
        )
    found = verification.verify(index_store, read(database, gallery))
    assert not found.clean
    [of_set] = found.sets
    assert of_set.adds_up
    [wrong] = [proof for proof in of_set.shards if not proof.clean]
    assert wrong.part is not None
    assert wrong.difference.changed == [keys[2]]
    assert [one.shard for one in found.replicas if one.equal is False] == [wrong.part.shard]
    shown = index_tables.verified("staff", CARD.fingerprint, found)
    assert [part["clean"] for part in shown["shard_sets"][0]["parts"]].count(False) == 1


def test_the_comparison_in_the_background_covers_shards(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    made = begin(database, gallery)
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
        report(database, caches, made)
        index_checks.request(index_store, caches[0].builds, read(database, gallery))
        wait_for(lambda: checked(database, gallery) == (3, 0, 0))


def checked(database: Database, gallery: Gallery) -> tuple[int | None, ...] | None:
    [status] = index_status.of_galleries(database, [gallery])
    row = None if status.check is None else status.check.row
    return None if row is None else (row.equal, row.different, row.not_compared)


def test_status_shows_the_set_and_each_shard(
    database: Database, gallery: Gallery, index_store: IndexStore, capsys: pytest.CaptureFixture[str]
) -> None:
    enrol(database, gallery, *range(20))
    made = begin(database, gallery)
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
        report(database, caches, made)
    [status] = index_status.of_galleries(database, [read(database, gallery)])
    stores = index_status.with_parts(index_store, gallery)
    snapshots = [one for store in stores for one in index_status.of_snapshots(store, gallery)]
    shown = index_tables.status(status, snapshots)
    assert [(one["id"], one["state"], one["shards"]) for one in shown["shard_sets"]] == [
        (str(made.id), "active", SHARDS)
    ]
    assert [(one["shard"], one["shards"], one["shard_set"]) for one in shown["replicas"]] == [
        (shard, SHARDS, str(made.id)) for shard in range(SHARDS)
    ]
    assert [one["shard"] for one in shown["snapshots"]] == list(range(SHARDS))
    assert [one["shard_set_state"] for one in shown["replicas"]] == ["active"] * SHARDS

    with database.transaction() as session:
        shard_sets.retire(session, made.id)
    [status] = index_status.of_galleries(database, [read(database, gallery)])
    shown = index_tables.status(status, [])
    assert [one["shard_set_state"] for one in shown["replicas"]] == ["retired"] * SHARDS
    index_tables.print_status([shown])
    assert capsys.readouterr().out.count("retired") == SHARDS


def test_two_copies_of_a_shard_that_differ_at_the_same_change_are_noticed(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery, *range(20))
    with shards_of(index_store) as caches, shards_of(index_store) as copies:
        catch_up(database, gallery, caches)
        catch_up(database, gallery, copies)
        ids = report(database, [*caches, *copies])
    with database.transaction() as session:
        assert replicas.list_different(session, limit=9) == [], "shards differ from each other, of course"
        session.execute(
            text("UPDATE replica SET digest = :digest WHERE process_id = :id"),
            {"digest": "0" * 32, "id": ids[-1]},
        )
        assert replicas.list_different(session, limit=9) == ["staff"]


def test_a_shard_whose_changes_were_pruned_reads_its_part_again(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    keys = enrol(database, gallery, *range(12))
    with shards_of(index_store) as caches:
        catch_up(database, gallery, caches)
        delete(database, gallery, keys[:3])
        enrol(database, gallery, 50)
        with database.transaction() as session:
            changes.prune(session, gallery.id, older_than=timedelta())
        assert catch_up(database, gallery, caches) == 10
