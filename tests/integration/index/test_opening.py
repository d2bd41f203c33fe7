"""Where an index comes from: a good snapshot, else PostgreSQL; and what callers get meanwhile."""

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from indexer.embedding.catalog import sface
from indexer.errors import GalleryNotFound, IndexNotReady
from indexer.index.live import LiveIndex
from indexer.records import changes, galleries, models, reindexes
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities
from indexer.records.tables import Gallery
from indexer.replica import maintenance, verification
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore, StoredIndex, sweep
from indexer.settings import Settings
from indexer.types import Box, ChangeKind, Enrolment, Face, Quality, Tier, Vectors

CARD = sface(mirror=True)
QUALITY = Quality(score=90, size=90, sharpness=90, exposure=90, pose=90, face_px=100.0, sharpness_ratio=0.1)


def unit(seed: int, count: int) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, CARD.dimension)).astype(np.float32)
    unit_vectors: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit_vectors


def enrol(database: Database, gallery_id: UUID, vectors: Vectors) -> list[int]:
    """One person with as many faces; their keys."""
    face = Face(box=Box(x=1, y=2, width=3, height=4), landmarks=np.zeros((5, 2), np.float32), confidence=0.9)
    with database.transaction() as session:
        galleries.lock(session, gallery_id)
        identity = identities.create(session, gallery_id, external_id=None, name=None, metadata={})
        model = CARD.fingerprint
        number = models.register(session, model, CARD.dimension)
        added = faces.add(
            session,
            identity.id,
            [
                Enrolment(
                    face=face,
                    quality=QUALITY,
                    vectors={model: v},
                    image_sha256=i.to_bytes(32, "big"),
                    crop=None,
                )
                for i, v in enumerate(vectors)
            ],
            {model: number},
        )
        changes.append(session, gallery_id, ChangeKind.ENROL, [face.key for face in added])
    return [face.key for face in added]


def delete(database: Database, gallery_id: UUID, keys: list[int]) -> None:
    with database.transaction() as session:
        galleries.lock(session, gallery_id)
        faces.remove(session, keys)
        changes.append(session, gallery_id, ChangeKind.DELETE, keys)


def read(database: Database) -> Gallery:
    with database.reading() as session:
        return galleries.get(session, "staff")


def follow(database: Database, index_store: IndexStore) -> LiveIndex:
    """The index as a process that starts now has it, caught up."""
    index_cache = IndexCache(database, index_store, patience_seconds=60)
    try:
        index = index_cache.caught_up(read(database))
        assert isinstance(index, LiveIndex)
        return index
    finally:
        index_cache.close()


def keys_in(index: LiveIndex) -> set[int]:
    [found] = index.search(unit(0, 1), 10_000)
    return {neighbour.key for neighbour in found}


def test_a_start_loads_the_snapshot_and_replays_what_came_after_it(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    old = enrol(database, gallery.id, unit(1, 40))
    follow(database, index_store)
    [snapshot] = index_store.snapshots(gallery).names()
    new = enrol(database, gallery.id, unit(2, 5))
    delete(database, gallery.id, old[:3])
    # Were it read from PostgreSQL again, a vector that is changed behind the log's back would show.
    with database.transaction() as session:
        session.execute(
            text("UPDATE embedding SET vector = :vector WHERE face_key = :key"),
            {"vector": unit(3, 1).tobytes(), "key": old[10]},
        )

    index = follow(database, index_store)

    assert index_store.snapshots(gallery).names() == [snapshot]
    assert keys_in(index) == set(old[3:]) | set(new)
    assert index.applied == read(database).change_number
    [[nearest]] = index.search(unit(1, 40)[10:11], 1)
    assert nearest.key == old[10]
    assert nearest.score > 0.99


@pytest.mark.parametrize("file_name", ["index.faiss", "keys.npy", "manifest.json"])
def test_a_damaged_snapshot_is_quarantined_and_rebuilt(
    database: Database,
    gallery: Gallery,
    index_store: IndexStore,
    file_name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys = enrol(database, gallery.id, unit(1, 40))
    follow(database, index_store)
    snapshots = index_store.snapshots(gallery)
    [damaged] = snapshots.names()
    path = snapshots.path / damaged / file_name
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)

    index = follow(database, index_store)

    assert keys_in(index) == set(keys)
    assert damaged not in snapshots.names()
    assert len(snapshots.names()) == 1
    assert file_name in caplog.text


def test_a_disk_that_takes_nothing_costs_no_answer(
    database: Database, gallery: Gallery, index_store: IndexStore, caplog: pytest.LogCaptureFixture
) -> None:
    keys = enrol(database, gallery.id, unit(1, 40))
    index_store.root.touch()  # a file where the folder should be

    assert keys_in(follow(database, index_store)) == set(keys)
    assert "not kept on disk" in caplog.text


def test_a_snapshot_of_another_tier_is_skipped(
    database: Database, gallery: Gallery, index_store: IndexStore, tmp_path: Path
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    assert follow(database, index_store).tier is Tier.EXACT
    other = IndexStore.of(Settings(home=tmp_path, index_tier="exact-fp16"), database, CARD)

    index = follow(database, other)

    assert index.tier is Tier.EXACT_FP16
    assert index.count == 40


def test_while_an_index_is_built_its_gallery_alone_gets_index_not_ready(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    """`staff` is held up in the middle; `other` answers."""
    enrol(database, gallery.id, unit(1, 5))
    with database.transaction() as session:
        other = galleries.create(session, "other")
    held, let_go = threading.Event(), threading.Event()
    real = index_store.open

    class Held(IndexStore):
        def open(self, gallery_id: UUID, **how: Any) -> StoredIndex:
            if gallery_id == gallery.id:
                held.set()
                let_go.wait()
            return real(gallery_id, **how)

    slow = Held(
        database=database,
        models=index_store.models,
        card=CARD,
        root=index_store.root,
        tier=index_store.tier,
        fpir=index_store.fpir,
        min_recall=index_store.min_recall,
    )
    index_cache = IndexCache(database, slow, patience_seconds=0.05)
    try:
        with pytest.raises(IndexNotReady):
            index_cache.caught_up(read(database))
        assert held.is_set()
        with pytest.raises(IndexNotReady):
            index_cache.caught_up(read(database))
        assert index_cache.caught_up(other, patience_seconds=60).count == 0
        let_go.set()
        assert index_cache.caught_up(read(database), patience_seconds=60).count == 5
    finally:
        let_go.set()
        index_cache.close()


def test_verify_is_clean_after_the_tail_and_names_the_faces_that_differ(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    """What the log does not tell, a row deleted and a vector changed behind its back, verify does."""
    keys = enrol(database, gallery.id, unit(1, 40))
    follow(database, index_store)
    delete(database, gallery.id, keys[:2])
    enrol(database, gallery.id, unit(2, 3))
    clean = verification.verify(index_store, read(database))
    with database.transaction() as session:
        session.execute(text("DELETE FROM face WHERE key = :key"), {"key": keys[5]})
        session.execute(text("UPDATE gallery SET face_count = face_count - 1"))
        session.execute(
            text("UPDATE embedding SET vector = :vector WHERE face_key = :key"),
            {"vector": unit(3, 1).tobytes(), "key": keys[10]},
        )

    differing = verification.verify(index_store, read(database))

    assert clean.clean
    assert clean.index_digest == clean.digest
    assert clean.count == 41
    assert not differing.clean
    assert differing.index_digest != differing.digest
    assert (differing.difference.surplus, differing.difference.changed) == ([keys[5]], [keys[10]])
    assert differing.difference.missing == []
    maintenance.rebuild(index_store, read(database))
    assert verification.verify(index_store, read(database)).clean


def test_verify_reports_damage_and_leaves_it_where_it_is(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    follow(database, index_store)
    snapshots = index_store.snapshots(gallery)
    [name] = snapshots.names()
    (snapshots.path / name / "keys.npy").write_bytes(b"")

    found = verification.verify(index_store, read(database))

    assert not found.clean
    assert "keys.npy" in found.damaged[0]
    assert snapshots.names() == [name]


def test_a_snapshot_is_written_only_where_something_has_changed(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    first = maintenance.snapshot(index_store, read(database))
    second = maintenance.snapshot(index_store, read(database))
    enrol(database, gallery.id, unit(2, 1))
    third = maintenance.snapshot(index_store, read(database))

    assert first is not None
    assert second is None
    assert index_store.snapshots(gallery).names() == [third, first]


def test_of_a_deleted_gallery_nothing_stays_on_the_disk(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    """Vectors of faces are biometric data: they go with the gallery, whoever deleted it."""
    enrol(database, gallery.id, unit(1, 40))
    index_cache = IndexCache(database, index_store, patience_seconds=60)
    index_cache.caught_up(read(database))
    known_before = read(database)
    with database.transaction() as session:
        galleries.remove(session, gallery.id)
    orphans = sweep.orphans(index_store.root, [])
    known_before.change_number += 1  # as read after somebody's last change

    with pytest.raises(GalleryNotFound):
        index_cache.caught_up(known_before)
    index_cache.close()

    assert orphans == [gallery.id]
    assert sweep.orphans(index_store.root, []) == []


def test_what_lies_there_of_models_that_the_gallery_has_left_goes_when_its_index_is_opened(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    with database.transaction() as session:
        number = models.register(session, CARD.fingerprint, CARD.dimension)
        galleries.lock(session, gallery.id).model_id = number
        gallery = read(database)
        other = models.register(session, "mine-0123456789ab", 64)
        job = reindexes.begin(session, galleries.lock(session, gallery.id), other, gates=[], plan={})
    of_gallery = index_store.root / str(gallery.id)
    for left in ("left-0123456789ab", "mine-0123456789ab", "000000000040-20260101T000000000000-ab12"):
        (of_gallery / left).mkdir(parents=True)
        (of_gallery / left / "manifest.json").write_text("{}")
    (of_gallery / "lock").touch()
    follow(database, index_store)

    assert {path.name for path in of_gallery.iterdir()} == {CARD.fingerprint, "mine-0123456789ab"}
    with database.transaction() as session:
        reindexes.lock(session, job.id).state = "cancelled"
    follow(database, index_store)
    assert [path.name for path in of_gallery.iterdir()] == [CARD.fingerprint]
    assert len(keys_in(follow(database, index_store))) == 40
