"""The tier `gpu`, with flat indexes of the CPU in place of the GPUs, and on GPUs where there are any."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import faiss
import numpy as np
import pytest

from indexer.index.gpu import sharded
from indexer.index.gpu.batching import THREAD_NAME, BatchingSearcher
from indexer.index.gpu.sharded import Sharded, copy_to_gpus, needed_bytes, unavailable_reason
from indexer.index.live import LiveIndex
from indexer.index.searcher import FaissSearcher
from indexer.types import Change, ChangeKind, Keys, Tier, Vectors
from tests.support.vectors import empty_searcher, unit_vectors

DIMENSION = 16
GPUS = pytest.mark.skipif(sharded.device_count() == 0, reason="no NVIDIA GPU, or no faiss-gpu")


def unit(seed: int, count: int) -> Vectors:
    return unit_vectors(seed, count, DIMENSION)


def flat_on_cpu(_device: int, dimension: int) -> Any:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


@pytest.fixture(params=[1, 3, pytest.param("real", marks=[pytest.mark.gpu, GPUS])])
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One, three, or those of this machine."""
    if request.param != "real":
        monkeypatch.setattr(sharded, "device_count", lambda: request.param)
        monkeypatch.setattr(sharded, "flat_index", flat_on_cpu)


def exact(count: int) -> FaissSearcher:
    searcher = empty_searcher(Tier.EXACT_FP16, DIMENSION)
    keys = np.arange(1, count + 1)
    searcher.add(keys, unit(0, count), keys)
    return searcher


@pytest.mark.usefixtures("gpus")
def test_an_index_on_the_gpus_answers_as_the_one_it_was_copied_from_through_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharded, "CHUNK", 100)  # several blocks for each GPU
    here, there = LiveIndex(exact(1_000)), LiveIndex(copy_to_gpus(exact(1_000)))
    probes = unit(1, 50)
    changes = [
        Change(number=i, token=UUID(int=i), kind=ChangeKind.ENROL, key=1_000 + i, vector=vector, owner=i)
        for i, vector in enumerate(unit(2, 300), start=1)
    ] + [
        Change(
            number=300 + i,
            token=UUID(int=300 + i),
            kind=ChangeKind.DELETE,
            key=7 * i,
            vector=None,
            owner=None,
        )
        for i in range(1, 150)
    ]

    for part in (changes[:1], changes[1:250], changes[250:]):
        here.apply(part)
        there.apply(part)

        assert there.tier is Tier.GPU
        assert (there.count, there.tombstones) == (here.count, here.tombstones)
        assert there.digest == here.digest
        for one, other in zip(here.search(probes, 10), there.search(probes, 10), strict=True):
            np.testing.assert_allclose([n.score for n in one], [n.score for n in other], atol=2e-3)
            assert len({n.key for n in one} & {n.key for n in other}) >= 9, "neighbours at the 10th may tie"
    stored = dict(_pairs(there.searcher))
    for key, vector in _pairs(here.searcher):
        np.testing.assert_array_equal(stored.pop(key), vector)
    assert not stored


@pytest.mark.usefixtures("gpus")
def test_the_deleted_may_be_more_than_a_kernel_finds_at_once() -> None:
    crowd = np.repeat(unit(3, 1), 2_500, axis=0)
    searcher = empty_searcher(Tier.EXACT_FP16, DIMENSION)
    searcher.add(np.arange(2_600), np.concatenate([crowd, unit(4, 100)]), np.arange(2_600))
    moved = copy_to_gpus(searcher)
    moved.remove(np.arange(2_500))

    _, keys = moved.search(crowd[:1], 100)

    assert sorted(keys[0].tolist()) == list(range(2_500, 2_600))


@pytest.mark.usefixtures("gpus")
def test_an_empty_gallery_can_be_copied() -> None:
    moved = copy_to_gpus(empty_searcher(Tier.EXACT, DIMENSION))

    moved.add(np.array([5]), unit(0, 1), np.array([1]))

    assert moved.search(unit(0, 1), 3)[1].tolist() == [[5]]


def test_without_a_gpu_the_reason_says_so() -> None:
    if sharded.device_count() == 0:
        assert unavailable_reason(1, DIMENSION) == "there is no GPU that FAISS could use"


def test_memory_is_estimated_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharded, "device_count", lambda: 2)
    needed = needed_bytes(10_000_000, 128, 2)
    assert 5_000_000 * 260 * 2 < needed < 5_000_000 * 260 * 3 + 2**31

    monkeypatch.setattr(sharded, "free_bytes", lambda device: needed - device)  # the second lacks one byte
    assert "are free" in (unavailable_reason(10_000_000, 128) or "")
    monkeypatch.setattr(sharded, "free_bytes", lambda _: needed)
    assert unavailable_reason(10_000_000, 128) is None


@pytest.mark.gpu
@GPUS
def test_the_memory_of_a_real_gpu_can_be_read() -> None:
    assert unavailable_reason(1_000, 128) is None
    assert "GB are free" in (unavailable_reason(10**11, 128) or "")


class Recording(FaissSearcher):
    """Records its batches and threads; searches wait for `go_on`."""

    def __init__(self) -> None:
        searcher = exact(100)
        super().__init__(Tier.EXACT_FP16, searcher.index, searcher.keys, searcher.owners)
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def search(self, probes: Vectors, k: int) -> tuple[Any, Keys]:
        self.batches.append(len(probes))
        self.threads.add(threading.current_thread().name)
        self.begun.set()
        assert self.go_on.wait(60)
        if k > 50:
            raise ValueError("too many")
        return super().search(probes, k)


def test_callers_that_wait_together_are_searched_for_together() -> None:
    recording = Recording()
    batching = BatchingSearcher(recording)
    with ThreadPoolExecutor(9) as callers:
        first = callers.submit(batching.search, unit(0, 1), 1)
        assert recording.begun.wait(60)
        others = [callers.submit(batching.search, unit(0, 100)[i : i + 1], 1 + i) for i in range(8)]
        while batching.queued < 8:
            pass
        recording.go_on.set()

        assert first.result()[1].tolist() == [[1]]
        for i, other in enumerate(others):
            scores, keys = other.result()
            assert keys.shape == scores.shape == (1, 1 + i)
            assert keys[0, 0] == i + 1
    assert recording.batches == [1, 8]
    assert len(recording.threads) == 1


def test_an_error_reaches_every_caller_of_its_batch_and_later_searches_work() -> None:
    recording = Recording()
    batching = BatchingSearcher(recording)
    with ThreadPoolExecutor(4) as callers:
        first = callers.submit(batching.search, unit(0, 1), 1)
        assert recording.begun.wait(60)
        others = [callers.submit(batching.search, unit(0, 1), k) for k in (51, 1, 2)]
        while batching.queued < 3:
            pass
        recording.go_on.set()

        assert first.result()[1].tolist() == [[1]]
        for other in others:
            with pytest.raises(ValueError, match="too many"):
                other.result()
    assert recording.batches == [1, 3]

    assert batching.search(unit(0, 1), 1)[1].tolist() == [[1]]


def test_the_thread_ends_with_the_searcher() -> None:
    before = set(threading.enumerate())
    batching = BatchingSearcher(exact(10))
    batching.search(unit(0, 1), 1)
    (thread,) = set(threading.enumerate()) - before
    assert thread.name.startswith(THREAD_NAME)

    del batching
    gc.collect()

    thread.join(60)
    assert not thread.is_alive()


def test_numbers_of_sharded_vectors_follow_the_order_of_adding() -> None:
    sharded = Sharded([flat_on_cpu(0, DIMENSION) for _ in range(3)], DIMENSION)
    vectors = unit(0, 30)
    for start in range(0, 30, 7):
        sharded.add(vectors[start : start + 7])

    np.testing.assert_allclose(sharded.reconstruct_n(3, 20), vectors[3:23], atol=1e-3)
    assert sharded.search(vectors, 1)[1][:, 0].tolist() == list(range(30))


def _pairs(searcher: Any) -> list[tuple[int, Any]]:
    return [
        pair for keys, vectors, _ in searcher.contents() for pair in zip(keys.tolist(), vectors, strict=True)
    ]
