"""Batches of fixed sizes, on a processor: padding, division, and programs that cannot be captured."""

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from indexer.embedding.runtimes.fixed_batches import SIZES, FixedBatches, Program, batches

SIDE, DIMENSION = 4, 5
WEIGHTS = torch.from_numpy(np.random.default_rng(0).standard_normal((SIDE * SIDE * 3, DIMENSION)))


def network(faces: torch.Tensor) -> torch.Tensor:
    return (faces.double().flatten(1) @ WEIGHTS).float()


def faces(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


class FakeGraphs:
    """Captures as a CUDA graph does: each run overwrites the result of the one before."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.captured: list[int] = []

    def __call__(self, program: Program) -> Program:
        if self.errors:
            raise self.errors.pop(0)
        result = program()
        self.captured.append(len(result))

        def replay() -> torch.Tensor:
            result.copy_(program())
            return result

        return replay


def opened(capture: FakeGraphs | None = None) -> FixedBatches:
    return FixedBatches(network, side=SIDE, dimension=DIMENSION, stream=None, capture=capture)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 31, 32, 33, 255, 256, 257, 511, 512, 513, 1024])
def test_all_faces_are_in_batches_that_are_padded_to_the_next_size(count: int) -> None:
    parts = list(batches(count))

    assert [place for start, stop, _ in parts for place in range(start, stop)] == list(range(count))
    for start, stop, size in parts:
        assert size in SIZES
        assert stop - start <= size
        assert size == 1 or stop - start > size // 2


@pytest.mark.parametrize("captured", [True, False])
def test_every_number_of_faces_has_the_networks_embeddings_whatever_came_before(captured: bool) -> None:
    fixed = opened(FakeGraphs() if captured else None)

    for seed, count in enumerate([1, 600, 3, 2, 0, 257, 256, 1, 17, 600]):
        some = faces(count, seed)
        np.testing.assert_array_equal(fixed.run(some), network(torch.from_numpy(some)).numpy())


def test_an_answer_is_not_overwritten_by_the_next_one() -> None:
    fixed = opened(FakeGraphs())
    first = fixed.run(faces(3, 1))
    kept = first.copy()
    fixed.run(faces(3, 2))

    np.testing.assert_array_equal(first, kept)


def test_each_size_is_captured_once_when_it_is_first_needed() -> None:
    graphs = FakeGraphs()
    fixed = opened(graphs)
    for count in (3, 4, 1, 3, 300):
        fixed.run(faces(count))

    assert graphs.captured == [4, 1, 256, 64]


def test_a_size_that_cannot_be_captured_runs_without_and_is_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    graphs = FakeGraphs(RuntimeError("not permitted"))
    fixed = opened(graphs)
    with caplog.at_level(logging.WARNING):
        for seed in range(3):
            some = faces(2, seed)
            np.testing.assert_array_equal(fixed.run(some), network(torch.from_numpy(some)).numpy())

    assert graphs.captured == []
    assert [record.getMessage() for record in caplog.records] == [
        "no CUDA graph for batches of 2 faces, slower without: not permitted"
    ]


def test_after_a_lack_of_memory_a_size_is_captured_again() -> None:
    graphs = FakeGraphs(torch.OutOfMemoryError("no memory"))
    fixed = opened(graphs)
    with pytest.raises(torch.OutOfMemoryError):
        fixed.run(faces(2))

    np.testing.assert_array_equal(fixed.run(faces(2)), network(torch.from_numpy(faces(2))).numpy())
    assert graphs.captured == [2]


def test_many_threads_each_get_the_embeddings_of_their_own_faces() -> None:
    fixed = opened(FakeGraphs())
    asked = [faces(1 + seed % 5, seed) for seed in range(300)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(fixed.run, asked))

    for some, answer in zip(asked, answers, strict=True):
        np.testing.assert_array_equal(answer, network(torch.from_numpy(some)).numpy())
