"""The live index under many readers and a writer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import UUID

import numpy as np

from indexer.index import tiers
from indexer.index.live import LiveIndex
from indexer.index.searcher import Answer, FaissSearcher
from indexer.types import Change, ChangeKind, Keys, LogPosition, Tier, Vectors
from tests.support.vectors import empty_searcher

DIMENSION = 16


def change(number: int, kind: ChangeKind, key: int) -> Change:
    vector = np.eye(DIMENSION, dtype=np.float32)[key % DIMENSION]
    enrols = kind is ChangeKind.ENROL
    return Change(
        number=number,
        token=UUID(int=number),
        kind=kind,
        key=key,
        vector=vector if enrols else None,
        owner=key if enrols else None,
    )


class SlowToChange(FaissSearcher):
    """Gives other threads time to see it when faces are removed and none are added yet."""

    def __init__(self) -> None:
        nothing = np.empty(0, np.int64)
        super().__init__(Tier.EXACT, tiers.exact_index(Tier.EXACT, DIMENSION), nothing, nothing)

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        removed = super().remove(keys)
        time.sleep(0.001)
        return removed


def test_searches_beside_a_writer_see_whole_changes_only() -> None:
    """Each `apply` replaces a pair of faces by the next pair; every search finds one pair, whole."""
    index = LiveIndex(SlowToChange())
    index.apply([change(1, ChangeKind.ENROL, 0), change(2, ChangeKind.ENROL, 1)])
    pairs = [frozenset((2 * n, 2 * n + 1)) for n in range(100)]
    stop = threading.Event()
    seen: list[frozenset[int]] = []

    def search() -> None:
        probe = np.eye(DIMENSION, dtype=np.float32)[:1]
        while not stop.is_set():
            [found] = index.search(probe, 50)
            seen.append(frozenset(neighbour.key for neighbour in found))

    with ThreadPoolExecutor(3) as pool:
        searches = [pool.submit(search) for _ in range(3)]
        number = 2
        try:
            for old, new in pairwise(pairs):
                before = len(seen)
                while len(seen) == before and not any(one.done() for one in searches):
                    time.sleep(0)
                changes = [(ChangeKind.DELETE, key) for key in old] + [(ChangeKind.ENROL, key) for key in new]
                index.apply(change(number + n, kind, key) for n, (kind, key) in enumerate(changes, start=1))
                number += len(changes)
        finally:
            stop.set()
        for one in searches:
            one.result()

    assert set(seen) <= set(pairs)
    assert len(set(seen)) > len(pairs) // 2, "searches ran between the changes"


def test_a_face_enrolled_and_deleted_in_one_stretch_is_not_there() -> None:
    index = LiveIndex(empty_searcher(Tier.EXACT, DIMENSION))

    index.apply([change(1, ChangeKind.ENROL, 1), change(2, ChangeKind.DELETE, 1)])

    assert index.count == 0
    assert index.position == LogPosition(number=2, token=UUID(int=2))


def test_an_enrolment_whose_face_is_already_deleted_is_skipped() -> None:
    index = LiveIndex(empty_searcher(Tier.EXACT, DIMENSION))

    index.apply([Change(number=1, token=UUID(int=1), kind=ChangeKind.ENROL, key=1, vector=None, owner=None)])

    assert index.count == 0
    assert index.applied == 1


class Stuck(FaissSearcher):
    """Its searches end when they are allowed to."""

    def __init__(self) -> None:
        nothing = np.empty(0, np.int64)
        super().__init__(Tier.EXACT, tiers.exact_index(Tier.EXACT, DIMENSION), nothing, nothing)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def search(self, probes: Vectors, k: int) -> Answer:
        self.begun.set()
        assert self.go_on.wait(60)
        return super().search(probes, k)


def test_the_state_is_known_while_a_change_waits_for_a_search_that_does_not_end() -> None:
    searcher = Stuck()
    index = LiveIndex(searcher)
    probe = np.eye(DIMENSION, dtype=np.float32)[:1]
    with ThreadPoolExecutor(2) as pool:
        searching = pool.submit(index.search, probe, 1)
        assert searcher.begun.wait(60)
        applying = pool.submit(index.apply, [change(1, ChangeKind.ENROL, 1)])
        try:
            time.sleep(0.05)
            assert not applying.done()
            assert (index.state().position.number, index.state().count) == (0, 0)
        finally:
            searcher.go_on.set()
        searching.result(60)
        applying.result(60)

    assert (index.state().position.number, index.state().count) == (1, 1)
