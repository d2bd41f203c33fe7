"""Fused models: several networks side by side, whose embeddings become one vector.

The fused embedding is the parts' embeddings, each multiplied by the square root of its weight, one behind the
other. So its cosine is the weighted mean of the parts' cosines, and nothing else needs to know of the parts.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card import ModelCard, Part
from indexer.embedding.embedder import Embedder
from indexer.types import Vectors


def fuse(
    name: str,
    parts: Sequence[tuple[ModelCard, float]],
    *,
    licence: str | None = None,
    source: str | None = None,
    score_at_fmr: tuple[tuple[float, float], ...] = (),
    genuine_scores: tuple[float, ...] = (),
    opened_as: str | None = None,
) -> ModelCard:
    """`parts`: cards of single networks, with positive weights of any sum. `licence` and `source`: by default
    those of the parts."""
    cards = [card for card, _ in parts]
    total = sum(weight for _, weight in parts)
    return ModelCard(
        name=name,
        architecture="fused",
        weights=tuple(dict.fromkeys(file for card in cards for file in card.weights)),
        dimension=sum(card.dimension for card in cards),
        template=_listed(card.template for card in cards),
        normalisation=_listed(card.normalisation for card in cards),
        parts=tuple(Part(card=card, weight=weight / total) for card, weight in parts),
        mirror=any(card.mirror for card in cards),
        score_at_fmr=score_at_fmr,
        genuine_scores=genuine_scores,
        licence=licence or _listed(card.licence for card in cards),
        source=source or _listed(card.source for card in cards),
        opened_as=opened_as,
    )


class FusedEmbedder:
    """Runs the parts one after the other. Safe to call from several threads."""

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


def _listed(texts: Iterable[str]) -> str:
    """Each once."""
    return ", ".join(dict.fromkeys(texts))
