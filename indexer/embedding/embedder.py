"""Aligned faces to embeddings of length 1, in one thread. `batching` shares it between threads."""

from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from indexer.embedding.backbones import registry, sface
from indexer.embedding.card import ModelCard
from indexer.embedding.weights import locate
from indexer.types import Vectors

Precision = Literal["float32", "bfloat16"]


class Embedder(Protocol):
    @property
    def card(self) -> ModelCard: ...

    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        """`faces`: shape (n, side, side, 3), RGB, aligned to the card's template. Returns (n, dimension)."""
        ...


def open_embedder(
    card: ModelCard,
    *,
    precision: Precision = "float32",
    device: str | None = None,
    threads: int | None = None,
) -> Embedder:
    """`threads`: of the ONNX runtime, which has its own; the owner of the calling thread sets torch's.

    Raises WeightsMissing, WeightsDamaged, CardUnusable.
    """
    if card.architecture == "onnx":
        from indexer.embedding.onnx_network import OnnxEmbedder

        return OnnxEmbedder(card, threads=threads)
    return TorchEmbedder(card, precision=precision, device=device)


class TorchEmbedder:
    """A backbone run by torch, on a GPU if there is one."""

    def __init__(
        self, card: ModelCard, *, precision: Precision = "float32", device: str | None = None
    ) -> None:
        """Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        self.card = card
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._dtype = getattr(torch, precision)
        backbone = _open_backbone(card)
        self._backbone = torch.nn.utils.convert_conv2d_weight_memory_format(
            backbone.to(self.device, self._dtype), torch.channels_last
        )

    @torch.inference_mode()
    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        views = torch.from_numpy(faces).to(self.device).permute(0, 3, 1, 2)
        if self.card.mirror:
            views = torch.cat([views, views.flip(3)]).contiguous(memory_format=torch.channels_last)
        embeddings = self._backbone(views.to(self._dtype)).float()
        if self.card.mirror:
            embeddings = embeddings[: len(faces)] + embeddings[len(faces) :]
        embeddings = torch.nn.functional.normalize(embeddings, dim=1)
        return np.ascontiguousarray(embeddings.cpu().numpy(), np.float32)


def _open_backbone(card: ModelCard) -> nn.Module:
    """The backbone in eval mode; each unit of SFace becomes one convolution."""
    path = locate(card.weights)
    if card.weights.distribution is None:
        backbone = registry.load(path, card.architecture, card.dimension)
    else:
        backbone = registry.published(card.architecture, card.dimension)
    return sface.fold_batch_norms(backbone)
