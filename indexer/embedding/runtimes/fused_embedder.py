"""The networks of a fused model, one after the other, and one vector from all of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import Embedder
from indexer.types import Vectors


class FusedEmbedder:
    """Safe to call from several threads."""

    def __init__(self, card: ModelCard, embedders: Sequence[Embedder]) -> None:
        """`embedders`: of the card's parts, in their order."""
        self.card = card
        places = [card.templates.index(part.card.template) for part in card.parts]
        self._parts = list(zip(card.parts, embedders, places, strict=True))
        self.runs_batches_at_once = any(embedder.runs_batches_at_once for embedder in embedders)

    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        """As of `Embedder`. Raises what the networks raise."""
        vectors = [
            math.sqrt(part.weight) * embedder.embed(faces[place]) for part, embedder, place in self._parts
        ]
        return np.concatenate(vectors, axis=1, dtype=np.float32)
