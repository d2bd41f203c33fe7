"""One index under several threads, with a log and a store that are plain lists: what it must never do."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest

from indexer.errors import (
    DatabaseUnavailable,
    EmbeddingsMissing,
    EmbeddingsReplaced,
    IndexNotReady,
    LogForked,
)
from indexer.index.live import LiveIndex
from indexer.records.tables import Gallery
from indexer.replica.builds import IndexBuilds
from indexer.replica.gallery_index import GalleryIndex
from indexer.replica.store import IndexStore, StoredIndex
from indexer.replica.store.tier_choice import TierChoice
from indexer.types import LOG_START, Change, ChangeKind, LogPosition, Tier
from tests.support.home import wait_for
from tests.support.vectors import empty_searcher

DIMENSION = 4
SECONDS = 60.0
"""Generous, on a busy machine."""


def position(number: int) -> LogPosition:
    return LogPosition(number=number, token=UUID(int=number))


def change(number: int) -> Change:
    """A face is enrolled whose key is the number."""
    return Change(
        number=number,
        token=UUID(int=number),
        kind=ChangeKind.ENROL,
        key=number,
        vector=np.eye(DIMENSION, dtype=np.float32)[number % DIMENSION],
        owner=number,
    )


def stored(applied: int = 0, *, rebuild_number: int = 0) -> StoredIndex:
    index = LiveIndex(empty_searcher(Tier.EXACT, DIMENSION), position=LOG_START)
    index.apply(change(number) for number in range(1, applied + 1))
    return StoredIndex(
        index=index,
        snapshot=None,
        applied=applied,
        embedded_by=None,
        rebuild_number=rebuild_number,
        target_tier=Tier.EXACT,
        shortfall=None,
    )


def deadline(seconds: float = SECONDS) -> float:
    return time.monotonic() + seconds


@dataclass
class Log:
    """In the place of a `GalleryLog`."""

    length: int = 0
    step: int = 10_000
    error: Exception | None = None
    embeddings_error: Exception | None = None
    pause: Callable[[], object] = lambda: None
    at_once: dict[int, int] = field(default_factory=dict)
    """Threads that read the tail for an index now."""
    most_at_once: int = 0

    def tail(self, index: LiveIndex) -> list[Change]:
        self.at_once[id(index)] = self.at_once.get(id(index), 0) + 1
        self.most_at_once = max(self.most_at_once, *self.at_once.values())
        try:
            self.pause()
            if self.error is not None:
                raise self.error
            last = min(self.length, index.applied + self.step)
            return [change(number) for number in range(index.applied + 1, last + 1)]
        finally:
            self.at_once[id(index)] -= 1

    def check_position(self, _index: LiveIndex) -> None: ...

    def check_embeddings(self, _stored: StoredIndex, _gallery: Gallery) -> None:
        if self.embeddings_error is not None:
            raise self.embeddings_error


@dataclass
class Store:
    """In the place of an `IndexStore`: its disk is a set of names."""

    the_log: Log
    card: Any = field(default_factory=lambda: SimpleNamespace(fingerprint="model-1"))
    tiers: TierChoice = field(default_factory=lambda: TierChoice("auto", DIMENSION))
    disk: set[str] = field(default_factory=set)
    opened: int = 0
    error: Exception | None = None
    held: threading.Event | None = None
    """Whoever opens an index goes on when it is set."""
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    applied: int = 0
    """How far what is opened reaches."""
    rebuild_number: int = 0
    part: None = None

    def requested_rebuild(self, gallery: Gallery) -> int:
        return gallery.rebuild_number

    def log(self, _gallery_id: UUID) -> Log:
        return self.the_log

    def open(self, _gallery_id: UUID, *, at_least: int) -> StoredIndex:
        self.opened += 1
        fresh = stored(max(at_least, self.applied), rebuild_number=self.rebuild_number)
        self.begun.release()
        if self.held is not None:
            assert self.held.wait(SECONDS)
        if self.error is not None:
            raise self.error
        self.disk.add(f"snapshot-{self.opened}")
        return fresh

    def snapshots(self, _gallery: Gallery) -> Any:
        return SimpleNamespace(remove=self.disk.clear)

    def remove_if_unused(self, _gallery: Gallery) -> None:
        self.disk.clear()


def gallery(number: int, *, rebuild_number: int = 0) -> Gallery:
    """Its row, when the log ends with change `number`."""
    row = SimpleNamespace(
        id=UUID(int=1),
        name="staff",
        change_number=number,
        position=position(number),
        face_count=number,
        rebuild_number=rebuild_number,
        index_tier=None,
    )
    return cast(Gallery, row)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def store(log: Log) -> Store:
    return Store(log)


@pytest.fixture
def index(store: Store) -> Iterator[GalleryIndex]:
    builds = IndexBuilds()
    yield GalleryIndex(gallery(0), cast(IndexStore, store), builds)
    if store.held is not None:
        store.held.set()
    builds.close()


def keys(found: LiveIndex) -> set[int]:
    [row] = found.search(np.eye(DIMENSION, dtype=np.float32)[:1], 100_000)
    return {neighbour.key for neighbour in row}


def test_threads_that_catch_up_at_once_apply_each_change_once_and_all_find_it(
    index: GalleryIndex, log: Log
) -> None:
    index.caught_up(gallery(0), deadline())
    log.length, log.step, log.pause = 50, 7, lambda: time.sleep(0.002)
    together = threading.Barrier(8)

    def search(_: int) -> set[int]:
        together.wait(SECONDS)
        return keys(index.caught_up(gallery(50), deadline()))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(search, range(8)))

    assert found == [set(range(1, 51))] * 8
    assert log.most_at_once == 1, "one thread applies, the others wait for it"
    assert (index.report().applied, index.report().count) == (50, 50)


def test_a_swap_never_goes_backwards(index: GalleryIndex, log: Log) -> None:
    log.length = 10
    index.caught_up(gallery(10), deadline())

    index.swap(stored(applied=3))

    assert index.report().applied == 10
    assert keys(index.caught_up(gallery(10), deadline())) == set(range(1, 11))


def test_no_change_is_lost_however_often_the_index_is_swapped_meanwhile(
    index: GalleryIndex, log: Log
) -> None:
    """Each search finds what was enrolled before it, while one rebuild follows another."""
    index.caught_up(gallery(0), deadline())
    over = threading.Event()
    swaps = []

    def rebuild() -> None:
        while not over.is_set():
            index.build().result(SECONDS)
            swaps.append(1)

    rebuilding = threading.Thread(target=rebuild)
    rebuilding.start()
    lacking = []
    try:
        number = 0
        while len(swaps) < 20 or number < 100:
            number = log.length = number + 1
            found = index.caught_up(gallery(number), deadline())
            if found.applied < number or number not in keys(found):
                lacking.append(number)
    finally:
        over.set()
        rebuilding.join()

    assert lacking == []


def test_a_search_is_answered_while_the_index_is_rebuilt(index: GalleryIndex, store: Store, log: Log) -> None:
    index.caught_up(gallery(0), deadline())
    store.held, log.length = threading.Event(), 5
    rebuilding = index.build()

    assert keys(index.caught_up(gallery(5), deadline())) == {1, 2, 3, 4, 5}
    assert index.report().state == "rebuilding"
    assert index.build() is rebuilding, "one rebuild runs at a time"
    store.held.set()
    rebuilding.result(SECONDS)
    wait_for(lambda: index.report().state == "ready")
    assert index.report().applied == 5, "what was applied meanwhile is not lost"


def test_a_stuck_thread_costs_the_others_their_patience_and_holds_up_no_report_and_no_drop(
    index: GalleryIndex, log: Log
) -> None:
    served = index.caught_up(gallery(0), deadline())
    stuck, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        stuck.set()
        assert go_on.wait(SECONDS)

    log.length, log.pause = 1, pause
    with ThreadPoolExecutor(1) as threads:
        applying = threads.submit(index.caught_up, gallery(1), deadline())
        assert stuck.wait(SECONDS)
        try:
            began = time.monotonic()
            with pytest.raises(IndexNotReady):
                index.caught_up(gallery(1), deadline(0.05))
            assert (index.report().state, index.is_open) == ("ready", True)
            assert index.caught_up(gallery(0), deadline(0.05)) is served, "what it has is enough"
            log.embeddings_error = EmbeddingsReplaced("by a re-index")
            with pytest.raises(IndexNotReady):  # dropped, and the new one cannot catch up by then
                index.caught_up(gallery(1), deadline(0.05))
            assert time.monotonic() - began < SECONDS / 2
            log.embeddings_error = None
        finally:
            go_on.set()
        applying.result(SECONDS)


def test_a_long_tail_ends_at_the_deadline_and_the_next_caller_goes_on_from_there(
    index: GalleryIndex, log: Log
) -> None:
    index.caught_up(gallery(0), deadline())
    log.length, log.step, log.pause = 1_000, 1, lambda: time.sleep(0.01)

    with pytest.raises(IndexNotReady):
        index.caught_up(gallery(1_000), deadline(0.1))
    reached = index.report().applied
    log.step, log.pause = 10_000, lambda: None

    assert 0 < reached < 1_000
    assert index.caught_up(gallery(1_000), deadline()).count == 1_000


def test_a_retired_index_leaves_nothing_on_the_disk(index: GalleryIndex, store: Store) -> None:
    """Nor does the rebuild that is still writing when the gallery leaves the model."""
    index.caught_up(gallery(0), deadline())
    store.held = threading.Event()
    rebuilding = index.build()
    assert store.begun.acquire(timeout=SECONDS)
    assert store.disk

    index.retire()
    assert store.disk == set()
    store.held.set()
    rebuilding.result(SECONDS)

    wait_for(lambda: not index.is_building)
    assert store.opened == 2
    assert store.disk == set()


def test_an_index_of_another_history_is_dropped_and_opened_again(
    index: GalleryIndex, store: Store, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    before = index.caught_up(gallery(0), deadline())
    log.embeddings_error = LogForked("it has change 0 of another history")

    def heal() -> None:
        if store.opened == 2:
            log.embeddings_error = None

    log.pause = heal
    after = index.caught_up(gallery(0), deadline())

    assert after is not before
    assert store.opened == 2
    assert caplog.text.count("is dropped and opened again") == 1


def test_postgresql_that_goes_away_when_an_index_is_built_does_not_cost_the_index(
    index: GalleryIndex, store: Store, log: Log
) -> None:
    log.length, log.error = 5, DatabaseUnavailable("away")
    index.build().result(SECONDS)

    with pytest.raises(DatabaseUnavailable):
        index.caught_up(gallery(5), deadline())
    log.error = None

    assert keys(index.caught_up(gallery(5), deadline())) == {1, 2, 3, 4, 5}
    assert store.opened == 1, "it was not built again"


def test_an_opening_that_fails_is_told_to_all_callers_and_not_repeated_by_each(
    index: GalleryIndex, store: Store
) -> None:
    store.error = EmbeddingsMissing("5 faces have none", faces=5)

    for _ in range(10):
        with pytest.raises(EmbeddingsMissing, match="5 faces"):
            index.caught_up(gallery(0), deadline())

    assert store.opened <= 2, "one, and at most the next after its pause of a second"
    wait_for(lambda: not index.is_building)
    assert (index.report().state, index.report().problem) == ("failed", "5 faces have none")


def test_a_rebuild_that_failed_does_not_delay_the_opening_after_a_drop(
    index: GalleryIndex, store: Store, log: Log
) -> None:
    """A rebuild is retried in 30 seconds, for the old index serves; when that is dropped, nothing does."""
    index.caught_up(gallery(0), deadline())
    store.error = MemoryError("not now")
    with pytest.raises(MemoryError):
        index.build().result(SECONDS)
    wait_for(lambda: not index.is_building)
    assert index.report().state == "ready", "the old one serves"
    store.error, log.length, log.error = None, 1, LogForked("set back")

    def heal() -> None:
        if store.opened == 3:
            log.error = None

    log.pause = heal
    assert index.caught_up(gallery(1), deadline()).applied == 1


def test_the_sync_thread_rebuilds_where_it_was_requested_and_waits_for_nothing(
    index: GalleryIndex, store: Store
) -> None:
    index.caught_up(gallery(0), deadline())
    store.held, store.rebuild_number = threading.Event(), 1

    index.sync(gallery(0, rebuild_number=1), deadline())
    assert index.report().state == "rebuilding"
    index.sync(gallery(0, rebuild_number=1), deadline())
    store.held.set()
    wait_for(lambda: index.report().state == "ready")
    index.sync(gallery(0, rebuild_number=1), deadline())

    assert (store.opened, index.report().state) == (2, "ready")


def test_an_index_that_cannot_be_caught_up_is_reported_as_failed_until_it_can(
    index: GalleryIndex, log: Log
) -> None:
    index.caught_up(gallery(0), deadline())
    log.length, log.error = 1, ValueError("cannot reshape the vector")
    with pytest.raises(ValueError, match="reshape") as failed:
        index.sync(gallery(1), deadline())
    index.fall_behind(failed.value)
    assert (index.report().state, index.report().problem) == ("failed", "cannot reshape the vector")

    log.error = None
    index.sync(gallery(1), deadline())

    assert (index.report().state, index.report().problem, index.report().applied) == ("ready", None, 1)
