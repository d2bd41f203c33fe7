"""Stand-ins for what is slow, where a test is about what is around it."""

import threading

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card import ModelCard
from indexer.embedding.catalog import sface
from indexer.types import Vectors


class MeanColourEmbedder:
    """Embeds a face by its mean colour; can be held up in the middle, or made to fail."""

    runs_batches_at_once = True

    def __init__(self, *, blocked: bool = False) -> None:
        self.card: ModelCard = sface(mirror=True)
        self.sizes: list[int] = []
        self.error: Exception | None = None
        self.entered = threading.Event()
        self._open = threading.Event()
        if not blocked:
            self._open.set()

    def unblock(self) -> None:
        self._open.set()

    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        (batch,) = faces
        self.sizes.append(len(batch))
        self.entered.set()
        self._open.wait()
        if self.error is not None:
            raise self.error
        means = batch.reshape(len(batch), -1).mean(axis=1) / 255 * np.pi / 2
        vectors = np.zeros((len(batch), self.card.dimension), np.float32)
        vectors[:, 0], vectors[:, 1] = np.cos(means), np.sin(means)
        return vectors
