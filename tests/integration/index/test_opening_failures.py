"""Indexes that cannot be opened, or not yet: what that costs, and whom."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.embedding.catalog import sface
from indexer.errors import EmbeddingsMissing, GemelError, IndexNotReady
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica import builds
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore, StoredIndex
from indexer.settings import Settings
from tests.integration.index.test_opening import enrol, unit
from tests.support.home import wait_for

CARD = sface(mirror=True)


class Watched(IndexStore):
    """Counts the attempts to open each gallery, and can be held up, or broken, in the midst of one."""

    attempts: list[UUID]
    held: set[UUID]
    begun: threading.Semaphore
    go_on: threading.Event
    error: Exception | None

    def open(self, gallery_id: UUID, **how: Any) -> StoredIndex:
        self.attempts.append(gallery_id)
        if gallery_id in self.held:
            self.begun.release()
            assert self.go_on.wait(60)
        if self.error is not None:
            raise self.error
        return super().open(gallery_id, **how)


@pytest.fixture
def index_store(database: Database, tmp_path: Path) -> Watched:
    index_store = IndexStore.of(Settings(home=tmp_path), database, CARD)
    names = ("database", "models", "card", "root", "tier", "fpir", "min_recall")
    watched = Watched(**{name: getattr(index_store, name) for name in names})
    for name, value in {
        "attempts": [],
        "held": set(),
        "begun": threading.Semaphore(0),
        "go_on": threading.Event(),
        "error": None,
    }.items():
        object.__setattr__(watched, name, value)
    return watched


@pytest.fixture
def index_cache(database: Database, index_store: Watched) -> Iterator[IndexCache]:
    index_cache = IndexCache(database, index_store, patience_seconds=60)
    yield index_cache
    index_store.go_on.set()
    index_cache.close()


def gallery_of(database: Database, name: str, faces: int) -> Gallery:
    with database.transaction() as session:
        gallery = galleries.create(session, name)
    enrol(database, gallery.id, unit(len(name), faces))
    return read(database, name)


def read(database: Database, name: str) -> Gallery:
    with database.reading() as session:
        return galleries.get(session, name)


def outcomes(index_cache: IndexCache, gallery: Gallery, requests: int) -> list[GemelError]:
    """Of as many requests at once."""
    found: list[GemelError] = []

    def ask() -> None:
        try:
            index_cache.caught_up(gallery)
        except GemelError as error:
            found.append(error)

    threads = [threading.Thread(target=ask) for _ in range(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_gallery_that_cannot_be_opened_is_not_read_by_each_request_and_is_tried_again(
    database: Database, index_store: Watched, index_cache: IndexCache
) -> None:
    gallery = gallery_of(database, "staff", 5)
    with database.transaction() as session:
        session.execute(text("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM embedding LIMIT 1"))
        [row] = session.execute(
            text("DELETE FROM embedding WHERE face_key IN (SELECT face_key FROM kept) RETURNING *")
        )

    failed = [error for _ in range(3) for error in outcomes(index_cache, gallery, 8)]
    attempts = len(index_store.attempts)
    [problem] = [report.problem for report in index_cache.reports()]
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO embedding VALUES (:face_key, :model_id, :vector, :problem)"), dict(row._mapping)
        )

    def opens() -> bool:
        return outcomes(index_cache, gallery, 1) == []

    wait_for(opens)
    assert [type(error) for error in failed] == [EmbeddingsMissing] * 24
    assert attempts <= 2, "one, and at most the next after its pause"
    assert problem is not None
    [report] = index_cache.reports()
    assert (report.state, report.problem) == ("ready", None), "a failure that is over is no longer reported"


def test_a_failure_that_nobody_foresaw_is_one_of_this_gallery_and_a_503(
    database: Database, index_store: Watched, index_cache: IndexCache
) -> None:
    gallery = gallery_of(database, "staff", 5)
    object.__setattr__(index_store, "error", ZeroDivisionError("/a/secret/path"))

    failed = outcomes(index_cache, gallery, 3) + outcomes(index_cache, gallery, 3)

    assert [type(error) for error in failed] == [IndexNotReady] * 6
    assert "secret" not in failed[0].message, "it is for the log"


def test_two_rebuilds_and_two_large_galleries_hold_up_no_opening_that_somebody_waits_for(
    database: Database, index_store: Watched, index_cache: IndexCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "SMALL_GALLERY_FACES", 5)
    rebuilt = [gallery_of(database, f"rebuilt-{number}", 5) for number in range(2)]
    large, small = gallery_of(database, "large", 5), gallery_of(database, "small", 2)
    for gallery in rebuilt:
        index_cache.caught_up(gallery)
        with database.transaction() as session:
            galleries.request_rebuild(session, gallery.id, keep_tier=True)
    index_store.held.update(gallery.id for gallery in rebuilt)
    index_cache.sync()
    for _ in rebuilt:
        assert index_store.begun.acquire(timeout=60)

    assert index_cache.caught_up(large, patience_seconds=30).count == 5
    others = [gallery_of(database, f"huge-{number}", 5) for number in range(2)]
    index_store.held.update(gallery.id for gallery in others)
    for gallery in others:
        with pytest.raises(IndexNotReady):
            index_cache.caught_up(gallery, patience_seconds=0)
        assert index_store.begun.acquire(timeout=60)
    assert index_cache.caught_up(small, patience_seconds=30).count == 2
    assert index_cache.caught_up(rebuilt[0]).count == 5, "the old one serves"


def test_preloading_leaves_out_what_does_not_fit_and_goes_on(
    database: Database, index_store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "SMALL_GALLERY_FACES", 2)
    large, middle, least = (gallery_of(database, f"with-{n}-faces", n) for n in (20, 6, 3))
    gallery_of(database, "small", 1)
    room = 10 * index_store.tiers.bytes_per_face(large)
    index_cache = IndexCache(database, index_store, patience_seconds=60, memory_bytes=room)
    try:
        for coming in index_cache.preload():
            coming.result(60)
        # Known though not opened: it is reported, and its snapshots go with the gallery.
        assert {report.gallery_id for report in index_cache.reports()} == {large.id, middle.id, least.id}
    finally:
        index_cache.close()

    assert sorted(index_store.attempts) == sorted([middle.id, least.id])
