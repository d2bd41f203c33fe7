"""The network on the GPU: with and without CUDA graphs, at batches of 1 to 1,024 faces."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gallery import one_face_640x480
from benchmarks.gpu.timing import Budget, milliseconds
from indexer.embedding.card import ModelCard
from indexer.embedding.runtimes.torch_embedder import Precision, TorchEmbedder
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card, open_pipeline

BATCHES = tuple(2**i for i in range(11))
_LEAST_SECONDS = 5.0
"""Below that, no further row begins."""
_WAYS: tuple[tuple[str, Precision, bool], ...] = (
    ("float16, graphs", "float16", True),
    ("float16, eager", "float16", False),
    ("float32, graphs", "float32", True),
)


def rows(budget: Budget) -> Iterator[dict[str, Any]]:
    """One row for each batch, and one for how close each precision is to float32 on the processor."""
    card = default_card(Settings())
    faces = variants(max(BATCHES))
    embedders = {
        name: TorchEmbedder(card, precision=precision, device="cuda", graphs=graphs)
        for name, precision, graphs in _WAYS
    }
    yield {"cosine_to_float32": _cosines(card, embedders, faces[:64])}
    for batch in BATCHES:
        if budget.left_seconds < _LEAST_SECONDS:
            yield {"batch": batch, "skipped": "out of time"}
            return
        some = faces[:batch]
        row: dict[str, Any] = {"batch": batch}
        for name, embedder in embedders.items():
            row[name] = milliseconds(partial(embedder.embed, some))
            row[name]["faces_per_second"] = round(batch / row[name]["p50_ms"] * 1e3)
        row["memory_reserved_mb"] = round(torch.cuda.memory_reserved() / 1e6)
        yield row


def variants(count: int) -> NDArray[np.uint8]:
    """An aligned face with `count` changes of its place and its brightness."""
    with open_pipeline(Settings(device="cpu")) as pipeline:
        face = pipeline.detect(one_face_640x480(), Stopwatch()).faces[0].pictures[0]
    random = np.random.default_rng(0)
    moves, gains = random.integers(-6, 7, (count, 2)), random.uniform(0.5, 1.2, count)
    return np.stack(
        [
            np.clip(np.roll(face, move, (0, 1)) * gain, 0, 255).astype(np.uint8)
            for move, gain in zip(moves, gains, strict=True)
        ]
    )


def _cosines(
    card: ModelCard, embedders: dict[str, TorchEmbedder], faces: NDArray[np.uint8]
) -> dict[str, dict[str, float]]:
    exact = TorchEmbedder(card, precision="float32", device="cpu").embed(faces)
    cosines = {name: np.sum(exact * embedder.embed(faces), axis=1) for name, embedder in embedders.items()}
    return {
        name: {"lowest": round(float(values.min()), 6), "median": round(float(np.median(values)), 6)}
        for name, values in cosines.items()
    }
