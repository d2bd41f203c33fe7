"""What lies on the disk of galleries: for this account alone, no longer than it should, never out of date."""

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from indexer.errors import DatabaseUnavailable, GalleryNotFound
from indexer.index.searchable_index import SearchableIndex
from indexer.index.snapshots import SnapshotStore
from indexer.records import galleries, models, reindexes
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica import maintenance, verification
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import PersonScore
from indexer.usecases import person_score
from tests.integration.index.test_opening import CARD, enrol, follow, read, unit


def files(index_store: IndexStore, gallery: Gallery) -> list[Path]:
    return [path for path in (index_store.root / str(gallery.id)).rglob("*") if path.is_file()]


def test_who_waits_for_the_lock_of_an_index_that_is_removed_does_not_wait_in_vain(
    gallery: Gallery, index_store: IndexStore
) -> None:
    """Nor does anybody come in beside its holder, which a lock file that goes with the index would allow."""
    first, second = (SnapshotStore(index_store.root, gallery.id, CARD.fingerprint) for _ in range(2))
    inside = threading.Event()

    def come_in() -> None:
        with second.locked():
            inside.set()

    with ThreadPoolExecutor(2) as threads:
        with first.locked():
            first.remove()
            waiting = threads.submit(come_in)
            assert not inside.wait(0.5)
            first.remove()
            later = threads.submit(come_in)
            assert not inside.wait(0.5)
        waiting.result(timeout=30)
        later.result(timeout=30)


def test_a_gallery_that_is_deleted_while_its_index_is_written_leaves_nothing_on_the_disk(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    deleted: list[UUID] = []

    def delete(_: int) -> None:
        """In the middle of the reading, by somebody who removes what there is, which is nothing yet."""
        if not deleted:
            with database.transaction() as session:
                galleries.remove(session, gallery.id)
            index_store.discard(gallery.id)
            deleted.append(gallery.id)

    with pytest.raises(GalleryNotFound):
        index_store.open(gallery.id, progress=delete)

    assert deleted
    assert files(index_store, gallery) == []


def test_a_snapshot_that_is_written_when_postgresql_goes_away_is_kept_and_so_is_the_index(
    database: Database, gallery: Gallery, index_store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    real = IndexStore.read

    def read_until_it_is_written(store: IndexStore, gallery_id: UUID) -> Gallery:
        if files(store, gallery):
            raise DatabaseUnavailable("away")
        return real(store, gallery_id)

    with monkeypatch.context() as patched:
        patched.setattr(IndexStore, "read", read_until_it_is_written)
        stored = index_store.open(gallery.id)

    assert stored.index.count == 40
    assert index_store.snapshots(gallery).names() == [stored.snapshot]


def test_a_gallery_that_was_deleted_while_the_machine_was_off_goes_from_its_disk_at_the_next_start(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    follow(database, index_store)
    assert files(index_store, gallery)
    with database.transaction() as session:
        galleries.remove(session, gallery.id)

    index_cache = IndexCache(database, index_store, patience_seconds=60)
    index_cache.preload()
    index_cache.close()

    assert files(index_store, gallery) == []


def go_to_another_model_and_back(database: Database, gallery: Gallery) -> None:
    """By two re-index jobs, after which the same faces have other embeddings by the same model."""
    with database.transaction() as session:
        mine = models.register(session, CARD.fingerprint, CARD.dimension)
        other = models.register(session, "other-0123456789ab", 64)
        row = galleries.lock(session, gallery.id)
        for there in (other, mine):
            job = reindexes.begin(session, row, there, gates=[], plan={})
            row.model_id, job.state = there, "done"
            session.flush()
    with database.transaction() as session:
        faces = session.scalars(text("SELECT face_key FROM embedding ORDER BY face_key")).all()
        for key, vector in zip(faces, unit(2, len(faces)), strict=True):
            session.execute(
                text("UPDATE embedding SET vector = :vector WHERE face_key = :key"),
                {"vector": vector.tobytes(), "key": key},
            )


def has_the_new_embeddings(index: SearchableIndex) -> bool:
    [[nearest]] = index.search(unit(2, 40)[7:8], 1)
    return bool(np.isclose(nearest.score, 1, atol=1e-5))


def searched_with(database: Database, gallery: Gallery) -> None:
    with database.transaction() as session:
        number = models.register(session, CARD.fingerprint, CARD.dimension)
        galleries.lock(session, gallery.id).model_id = number


def test_an_index_from_before_the_gallery_left_the_model_is_not_loaded_when_it_has_come_back(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    """By a machine that was off all the while. The number of the last change has not changed."""
    enrol(database, gallery.id, unit(1, 40))
    searched_with(database, gallery)
    follow(database, index_store)
    [old] = index_store.snapshots(gallery).names()
    go_to_another_model_and_back(database, gallery)

    verified = verification.verify(index_store, read(database))
    index = follow(database, index_store)

    assert verified.snapshot is None
    assert old in verified.foreign[0]
    assert has_the_new_embeddings(index)
    assert index_store.snapshots(gallery).names()[0] != old
    assert verification.verify(index_store, read(database)).clean
    assert maintenance.snapshot(index_store, read(database)) is None


def test_a_process_that_slept_while_the_gallery_left_the_model_and_came_back_reads_it_again(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    enrol(database, gallery.id, unit(1, 40))
    searched_with(database, gallery)
    index_cache = IndexCache(database, index_store, patience_seconds=60)
    asleep = index_cache.caught_up(read(database))
    assert not has_the_new_embeddings(asleep)
    go_to_another_model_and_back(database, gallery)

    awake = index_cache.caught_up(read(database))

    assert has_the_new_embeddings(awake)
    assert index_cache.caught_up(read(database)) is awake
    index_cache.close()


def test_indexes_on_the_disk_are_for_their_owner_alone(
    database: Database, gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the umask, and also where an older version has made the folder for everybody."""
    monkeypatch.setattr("indexer.replica.store.index_store.SNAPSHOT_MIN_FACES", 20)
    home = tmp_path / "not" / "there" / "yet"
    before = os.umask(0)
    try:
        enrol(database, gallery.id, unit(1, 40))
        index_store = IndexStore.of(Settings(home=home), database, CARD)
        follow(database, index_store)
    finally:
        os.umask(before)

    made = [tmp_path / "not", *(tmp_path / "not").rglob("*")]
    modes = {path.relative_to(tmp_path): path.stat().st_mode & 0o777 for path in made}
    assert {path.name for path in made} >= {"index.faiss", "keys.npy", "manifest.json", "index"}
    assert modes == {path.relative_to(tmp_path): 0o600 if path.is_file() else 0o700 for path in made}

    index_store.root.chmod(0o755)
    IndexStore.of(Settings(home=home), database, CARD)
    assert index_store.root.stat().st_mode & 0o777 == 0o700


def test_of_two_databases_histories_the_snapshot_that_was_written_last_is_kept(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    """Its number may be the lower one, after a restore; and the clock may have been set back."""
    enrol(database, gallery.id, unit(1, 40))
    name = index_store.rebuild(read(database))
    snapshots = index_store.snapshots(gallery)
    ahead = f"000000000999-29990101T000000000000-{name[-4:]}"
    (snapshots.path / name).rename(snapshots.path / ahead)

    later = [index_store.rebuild(read(database)) for _ in range(3)]

    assert snapshots.names() == [later[2], later[1]]
    assert snapshots.load(later[2])[0].count == 40


def as_the_older_version_writes_it(database: Database, index_store: IndexStore, gallery: Gallery) -> None:
    """The snapshot, as a process that skips the changes of person templates would have written it now."""
    snapshots = index_store.snapshots(gallery)
    path = snapshots.path / snapshots.names()[0] / "manifest.json"
    position = read(database).position
    body = json.loads(path.read_bytes())
    body |= {"format": 5, "applied": position.number, "token": str(position.token)}
    del body["sha256"]
    body["sha256"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(body))


def test_a_snapshot_of_an_older_version_is_used_until_the_gallery_has_person_templates(
    database: Database, gallery: Gallery, index_store: IndexStore
) -> None:
    """In a rolling upgrade, the older version may write it behind the templates' changes."""
    enrol(database, gallery.id, unit(1, 40))
    written = index_store.open(gallery.id).snapshot
    as_the_older_version_writes_it(database, index_store, gallery)
    assert index_store.open(gallery.id).snapshot == written

    person_score.change(database, "staff", PersonScore.FUSED)
    as_the_older_version_writes_it(database, index_store, gallery)

    assert verification.verify(index_store, read(database)).clean
    index = follow(database, index_store)
    assert (index.faces, index.count) == (40, 41)
    assert maintenance.snapshot(index_store, read(database)) is None, "a new one has been written"


@pytest.mark.parametrize("score", list(PersonScore))
def test_an_interrupted_change_of_the_person_score_is_found_whichever_way_it_went(
    database: Database,
    gallery: Gallery,
    index_store: IndexStore,
    monkeypatch: pytest.MonkeyPatch,
    score: PersonScore,
) -> None:
    for person in range(3):
        enrol(database, gallery.id, unit(person, 2))
    if score is PersonScore.NEAREST:
        person_score.change(database, "staff", PersonScore.FUSED)
    assert verification.verify(index_store, read(database)).clean
    monkeypatch.setattr(person_score, "PEOPLE_OF_A_TRANSACTION", 1)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        person_score.change(database, "staff", score, progress=interrupt)

    found = verification.verify(index_store, read(database))
    assert not found.clean
    wrong = (found.people_without_template, found.leftover_templates)
    assert wrong == ((2, 0) if score is PersonScore.FUSED else (0, 2))

    person_score.change(database, "staff", score)
    assert verification.verify(index_store, read(database)).clean
