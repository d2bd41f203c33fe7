"""A backbone run by torch, on a GPU if there is one."""

import threading
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.embedding.backbones import registry, sface
from indexer.embedding.card import ModelCard
from indexer.embedding.runtimes.cuda_graphs import CudaGraphs, release_memory
from indexer.embedding.runtimes.fixed_batches import FixedBatches
from indexer.errors import Busy
from indexer.types import Vectors
from indexer.weights.store import WeightStore

Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]


class TorchEmbedder:
    """Safe to call from several threads. On a GPU, one of them at a time runs the network."""

    runs_batches_at_once = False

    def __init__(
        self,
        card: ModelCard,
        *,
        precision: Precision = "auto",
        device: str | None = None,
        threads: int | None = None,
        graphs: bool = True,
        store: WeightStore | None = None,
    ) -> None:
        """`precision`: `auto` is float16 on NVIDIA and AMD GPUs, else float32. `threads`: torch's, for each
        thread that calls `embed`; None for torch's own choice. `graphs`: whether a GPU gets CUDA graphs.
        `store`: for weights that are fetched.

        Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        self.card = card
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        on_cuda = self.device.type == "cuda"
        if precision == "auto":
            # For float32 convolutions, torch has cuDNN round to the 10 bits of TF32, which float16 has too.
            precision = "float16" if on_cuda else "float32"
        self._dtype = getattr(torch, precision)
        self._threads = threads
        self._configured = threading.local()
        backbone = sface.fold_batch_norms(registry.opened(card, store))
        self._backbone = torch.nn.utils.convert_conv2d_weight_memory_format(
            backbone.to(self.device, self._dtype), torch.channels_last
        )
        self._batches = self._open_batches(graphs) if on_cuda else None

    @torch.inference_mode()
    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        """Raises Busy if the GPU lacks memory."""
        (batch,) = faces
        if self._batches is None:
            self._configure_thread()
            embeddings = self._network(torch.from_numpy(batch).to(self.device))
            return np.ascontiguousarray(embeddings.cpu().numpy(), np.float32)
        try:
            return self._batches.run(batch)
        except torch.OutOfMemoryError:
            release_memory()
            raise Busy("the GPU has too little free memory to embed faces") from None

    def _network(self, faces: Tensor) -> Tensor:
        """`faces`: shape (n, side, side, 3), uint8. Returns (n, dimension), float32, of length 1."""
        views = faces.permute(0, 3, 1, 2)
        if self.card.mirror:
            views = torch.cat([views, views.flip(3)]).contiguous(memory_format=torch.channels_last)
        embeddings = self._backbone(views.to(self._dtype)).float()
        if self.card.mirror:
            embeddings = embeddings[: len(faces)] + embeddings[len(faces) :]
        return torch.nn.functional.normalize(embeddings, dim=1)

    def _open_batches(self, graphs: bool) -> FixedBatches:
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        return FixedBatches(
            self._network,
            side=self.card.side_px,
            dimension=self.card.dimension,
            stream=stream,
            capture=CudaGraphs(stream) if graphs else None,
        )

    def _configure_thread(self) -> None:
        """torch's number of threads belongs to the thread that calls it."""
        if self._threads is not None and not hasattr(self._configured, "done"):
            torch.set_num_threads(self._threads)
            self._configured.done = True
