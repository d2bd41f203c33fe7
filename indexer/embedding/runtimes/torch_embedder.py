"""A backbone run by torch, on a GPU if there is one."""

import threading
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.embedding.backbones import registry, sface
from indexer.embedding.card import ModelCard
from indexer.types import Vectors


class TorchEmbedder:
    def __init__(
        self,
        card: ModelCard,
        *,
        precision: Literal["float32", "bfloat16"] = "float32",
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        """`threads`: torch's, for each thread that calls `embed`; None for torch's own choice.

        Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        self.card = card
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._dtype = getattr(torch, precision)
        self._threads = threads
        self._configured = threading.local()
        backbone = sface.fold_batch_norms(registry.opened(card))
        self._backbone = torch.nn.utils.convert_conv2d_weight_memory_format(
            backbone.to(self.device, self._dtype), torch.channels_last
        )

    @torch.inference_mode()
    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        self._configure_thread()
        views = torch.from_numpy(faces).to(self.device).permute(0, 3, 1, 2)
        if self.card.mirror:
            views = torch.cat([views, views.flip(3)]).contiguous(memory_format=torch.channels_last)
        embeddings = self._backbone(views.to(self._dtype)).float()
        if self.card.mirror:
            embeddings = embeddings[: len(faces)] + embeddings[len(faces) :]
        embeddings = torch.nn.functional.normalize(embeddings, dim=1)
        return np.ascontiguousarray(embeddings.cpu().numpy(), np.float32)

    def _configure_thread(self) -> None:
        """torch's number of threads belongs to the thread that calls it."""
        if self._threads is not None and not hasattr(self._configured, "done"):
            torch.set_num_threads(self._threads)
            self._configured.done = True
