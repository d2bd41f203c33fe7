"""The network on a GPU: float16 and CUDA graphs change nothing, and a full memory is no end."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.card import ModelCard
from indexer.embedding.catalog import dlib_resnet, sface
from indexer.embedding.embedder import open_embedder
from indexer.embedding.runtimes.torch_embedder import Precision, TorchEmbedder
from indexer.errors import Busy
from indexer.index.gpu import sharded
from indexer.index.gpu.sharded import copy_to_gpus
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Tier
from tests.support.vectors import empty_searcher, unit_vectors

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU, or torch without CUDA"),
]


@pytest.fixture(scope="module")
def faces(pipeline: Pipeline, hopper: bytes, collins: bytes) -> np.ndarray:
    """1,024 aligned faces of 112 pixels: two people, at many places and brightnesses."""
    two = [pipeline.detect(data, Stopwatch()).faces[0].pictures[0] for data in (hopper, collins)]
    random = np.random.default_rng(0)
    return np.stack(
        [
            np.clip(np.roll(two[i % 2], random.integers(-5, 6, 2), (0, 1)) * random.uniform(0.6, 1.2), 0, 255)
            for i in range(1_024)
        ]
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def exact(faces: np.ndarray) -> np.ndarray:
    """Their embeddings in float32, on the processor, the first 64."""
    return TorchEmbedder(sface(mirror=True), device="cpu").embed(faces[:64])


@pytest.fixture(scope="module")
def on_gpu() -> TorchEmbedder:
    return TorchEmbedder(sface(mirror=True), device="cuda")


@contextmanager
def full_gpu() -> Iterator[None]:
    """torch may allocate nothing more."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.parametrize(
    ("precision", "lowest"), [("float16", 0.9999), ("float32", 0.9999), ("bfloat16", 0.999)]
)
@pytest.mark.parametrize("graphs", [True, False])
def test_embeddings_are_those_of_float32_on_the_processor(
    faces: np.ndarray, exact: np.ndarray, precision: Precision, lowest: float, graphs: bool
) -> None:
    embedder = TorchEmbedder(sface(mirror=True), device="cuda", precision=precision, graphs=graphs)

    embeddings = embedder.embed(faces[:64])

    assert (exact * embeddings).sum(axis=1).min() > lowest
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("card", [sface(mirror=False), dlib_resnet(mirror=True)], ids=lambda card: card.name)
def test_other_models_and_views_too(faces: np.ndarray, card: ModelCard) -> None:
    side = card.side_px
    enlarged = np.zeros((8, side, side, 3), np.uint8)
    enlarged[:, :112, :112] = faces[:8]
    exact = TorchEmbedder(card, device="cpu").embed(enlarged)

    embeddings = TorchEmbedder(card, device="cuda").embed(enlarged)

    assert (exact * embeddings).sum(axis=1).min() > 0.9999


def test_the_batch_does_not_change_an_embedding(faces: np.ndarray, on_gpu: TorchEmbedder) -> None:
    """Kernels differ by batch size, so that float16 rounds in another order."""
    alone = np.concatenate([on_gpu.embed(faces[i : i + 1]) for i in range(32)])
    for count in (1, 2, 3, 5, 8, 31, 32, 33, 100, 255, 256, 257, 513, 1_024):
        together = on_gpu.embed(faces[:count])
        assert together.shape == (count, 128)
        shared = min(count, 32)
        assert (alone[:shared] * together[:shared]).sum(axis=1).min() > 0.9999
        last = on_gpu.embed(faces[count - 1 : count])
        assert float((last * together[-1:]).sum()) > 0.9999


def test_a_gpu_is_chosen_where_there_is_one(faces: np.ndarray, exact: np.ndarray) -> None:
    embedder = open_embedder(sface(mirror=True))

    assert isinstance(embedder, TorchEmbedder)
    assert embedder.device.type == "cuda"
    assert (exact * embedder.embed(faces[:64])).sum(axis=1).min() > 0.9999


def test_many_threads_each_get_the_embeddings_of_their_own_faces(
    faces: np.ndarray, on_gpu: TorchEmbedder
) -> None:
    """Through a queue that forms batches, and without it."""
    expected = np.concatenate([on_gpu.embed(faces[i : i + 1]) for i in range(64)])
    batching = BatchingEmbedder(on_gpu, max_batch=32, max_waiting=1_000)
    for embed in (batching.embed, on_gpu.embed):
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda i, embed=embed: embed(faces[i : i + 3]), range(0, 62)))
        for i, answer in enumerate(answers):
            assert (answer * expected[i : i + 3]).sum(axis=1).min() > 0.9999
    batching.close()


def test_a_full_memory_gives_busy_and_the_next_request_is_served(
    faces: np.ndarray, exact: np.ndarray
) -> None:
    embedder = TorchEmbedder(sface(mirror=True), device="cuda")
    with full_gpu(), pytest.raises(Busy):
        embedder.embed(faces)

    assert (exact * embedder.embed(faces[:64])).sum(axis=1).min() > 0.9999


def test_two_models_capture_their_graphs_at_the_same_time(faces: np.ndarray, exact: np.ndarray) -> None:
    embedders = [TorchEmbedder(sface(mirror=True), device="cuda") for _ in range(3)]
    barrier = threading.Barrier(3)

    def work(embedder: TorchEmbedder) -> float:
        barrier.wait()
        return min(float((exact[:n] * embedder.embed(faces[:n])).sum(axis=1).min()) for n in (1, 2, 4, 8, 64))

    with ThreadPoolExecutor(3) as threads:
        assert min(threads.map(work, embedders)) > 0.9999


@pytest.mark.skipif(sharded.device_count() == 0, reason="no faiss-gpu")
def test_graphs_are_captured_while_another_thread_searches_on_the_gpu(
    faces: np.ndarray, exact: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    index = copy_to_gpus(empty_searcher(Tier.EXACT_FP16, 128))
    vectors = unit_vectors(0, 50_000, 128)
    index.add(np.arange(50_000), vectors, np.arange(50_000))
    done = threading.Event()

    def search() -> int:
        searches = 0
        while not done.is_set():
            start = searches * 7 % 49_000
            assert index.search(vectors[start : start + 16], 1)[1][:, 0].tolist() == [
                *range(start, start + 16)
            ]
            searches += 1
        return searches

    with ThreadPoolExecutor(1) as threads:
        searching = threads.submit(search)
        embedder = TorchEmbedder(sface(mirror=True), device="cuda")
        lowest = min(
            float((exact[:n] * embedder.embed(faces[:n])).sum(axis=1).min()) for n in (1, 2, 4, 8, 64)
        )
        done.set()

        assert searching.result(60) > 0
    assert lowest > 0.9999
    assert "no CUDA graph" not in caplog.text
