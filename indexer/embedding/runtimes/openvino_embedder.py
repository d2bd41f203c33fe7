"""A network run by OpenVINO, on the processor."""

import os
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card import ModelCard
from indexer.embedding.runtimes.graphs import open_graph
from indexer.errors import CardUnusable
from indexer.inference.load import ProcessorLoad
from indexer.inference.network import Network
from indexer.types import Vectors
from indexer.weights.store import WeightStore

MAX_VIEWS = 8
"""In one run of the network; more at once are no faster, and take more memory. A power of two."""


class OpenVinoEmbedder:
    """Safe to call from several threads."""

    runs_batches_at_once = True

    def __init__(
        self,
        card: ModelCard,
        *,
        precision: Literal["float32", "bfloat16"] = "float32",
        threads: int | None = None,
        load: ProcessorLoad | None = None,
        store: WeightStore | None = None,
    ) -> None:
        """A user's network runs once, on a grey picture. `threads`: None for all cores. `load`: as of
        `Network`. `store`: for weights that are fetched.

        Raises WeightsMissing, WeightsDamaged, and CardUnusable if the card does not match the file."""
        self.card = card
        graph = open_graph(card, store)
        batch = graph.inputs[0].partial_shape[0]
        self._fixed_batch = batch.get_length() if batch.is_static else None
        try:
            self._network = Network(
                graph, threads=threads or os.cpu_count() or 1, load=load, precision=precision
            )
            if card.architecture == "onnx":
                self._check()
        except RuntimeError as error:
            raise CardUnusable(
                f"{card.name} does not run on the input that its card describes: {error}"
            ) from error

    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        (batch,) = faces
        views = np.concatenate([batch, batch[:, :, ::-1]]) if self.card.mirror else batch
        embeddings = self._run(views)
        if self.card.mirror:
            embeddings = embeddings[: len(batch)] + embeddings[len(batch) :]
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return np.ascontiguousarray(embeddings / np.maximum(lengths, 1e-12), np.float32)

    def _run(self, views: NDArray[np.uint8]) -> Vectors:
        parts = []
        start = 0
        while start < len(views):
            size = self._fixed_batch or _chunk(len(views) - start)
            parts.append(self._network.run(_padded(views[start : start + size], size))[0])
            start += size
        if not parts:
            return np.empty((0, self.card.dimension), np.float32)
        return np.concatenate(parts)[: len(views)]

    def _check(self) -> None:
        card = self.card
        output = self._run(np.full((1, card.side_px, card.side_px, 3), 128, np.uint8))
        if output.shape != (1, card.dimension):
            returned = " x ".join(map(str, output.shape[1:]))
            raise CardUnusable(
                f"{card.name} returns {returned} numbers per face, and its card says {card.dimension}"
            )
        if not np.all(np.isfinite(output)):
            raise CardUnusable(f"{card.name} returns NaN or infinity for a grey picture")


def _chunk(views: int) -> int:
    """The size of the next run: the largest power of two. So the network sees four shapes at most: OpenVINO
    prepares each shape when it first comes, which takes as long as an embedding."""
    return min(MAX_VIEWS, 1 << (views.bit_length() - 1))


def _padded(views: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Padded with zeros, for a network with a fixed batch size."""
    missing = size - len(views)
    padded = np.pad(views, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else views
    return np.ascontiguousarray(padded)
