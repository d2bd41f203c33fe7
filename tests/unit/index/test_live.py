"""The live index under many readers and a writer."""

import threading
from uuid import UUID

import numpy as np

from indexer.index.live import LiveIndex
from indexer.index.searcher import empty
from indexer.types import Change, ChangeKind, LogPosition, Tier

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


def test_searches_beside_a_writer_see_whole_changes_only() -> None:
    """Pairs of faces come and go in one `apply`; no search may see half a pair."""
    index = LiveIndex(empty(Tier.EXACT, DIMENSION))
    stop = threading.Event()
    seen: list[set[int]] = []
    errors: list[BaseException] = []

    def search() -> None:
        probe = np.eye(DIMENSION, dtype=np.float32)[:1]
        try:
            while not stop.is_set():
                [found] = index.search(probe, 50)
                seen.append({n.key for n in found})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    number = 0
    for round_ in range(300):
        a, b = 2 * round_, 2 * round_ + 1
        for kind in (ChangeKind.ENROL, ChangeKind.DELETE):
            index.apply([change(number + 1, kind, a), change(number + 2, kind, b)])
            number += 2
    stop.set()
    for thread in threads:
        thread.join()

    assert not errors
    assert seen
    for keys in seen:
        assert all((key ^ 1) in keys for key in keys)


def test_a_face_enrolled_and_deleted_in_one_stretch_is_not_there() -> None:
    index = LiveIndex(empty(Tier.EXACT, DIMENSION))

    index.apply([change(1, ChangeKind.ENROL, 1), change(2, ChangeKind.DELETE, 1)])

    assert index.count == 0
    assert index.position == LogPosition(number=2, token=UUID(int=2))


def test_an_enrolment_whose_face_is_gone_already_is_passed_over() -> None:
    index = LiveIndex(empty(Tier.EXACT, DIMENSION))

    index.apply([Change(number=1, token=UUID(int=1), kind=ChangeKind.ENROL, key=1, vector=None, owner=None)])

    assert index.count == 0
    assert index.applied == 1
