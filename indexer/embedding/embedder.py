"""Aligned faces to embeddings of length 1. `runtimes` runs the networks, `batching` queues the callers."""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card import ModelCard
from indexer.embedding.runtimes.choice import choose
from indexer.inference.load import ProcessorLoad
from indexer.types import Image, Vectors
from indexer.weights.store import WeightStore

Precision = Literal["auto", "float32", "bfloat16"]


class Embedder(Protocol):
    @property
    def card(self) -> ModelCard: ...

    @property
    def runs_batches_at_once(self) -> bool:
        """Whether several threads that embed are faster than one."""
        ...

    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        """`faces`: for each of the card's templates the n faces aligned to it, shape (n, side, side, 3), RGB.
        Returns (n, dimension)."""
        ...


def stacked(faces: Sequence[Sequence[Image]]) -> tuple[NDArray[np.uint8], ...]:
    """The arguments of `Embedder.embed`, of one face or more; each has one picture for each template."""
    return tuple(np.stack(pictures) for pictures in zip(*faces, strict=True))


def open_embedder(
    card: ModelCard,
    *,
    runtime: Literal["auto", "torch", "openvino"] = "auto",
    precision: Precision = "auto",
    device: str | None = None,
    threads: int | None = None,
    load: ProcessorLoad | None = None,
    store: WeightStore | None = None,
) -> Embedder:
    """`precision`: `auto` is float32 on processors, float16 on GPUs. `device`: torch's name of it; None for a
    GPU if there is one. `threads`: of the processor, for one batch; None for all cores.
    `store`: for weights that are fetched.

    Raises WeightsMissing, WeightsDamaged, CardUnusable, Misconfigured.
    """
    if card.parts:
        from indexer.embedding.runtimes.fused_embedder import FusedEmbedder

        parts = [
            open_embedder(
                part.card,
                runtime=runtime,
                precision=precision,
                device=device,
                threads=threads,
                load=load,
                store=store,
            )
            for part in card.parts
        ]
        return FusedEmbedder(card, parts)
    # Each runtime is imported where it is needed: a server that needs no torch must not import it.
    if choose(card.architecture, runtime=runtime, device=device) == "torch":
        from indexer.embedding.runtimes.torch_embedder import TorchEmbedder

        return TorchEmbedder(card, precision=precision, device=device, threads=threads, store=store)
    from indexer.embedding.runtimes.openvino_embedder import OpenVinoEmbedder

    return OpenVinoEmbedder(
        card,
        precision="float32" if precision == "auto" else precision,
        threads=threads,
        load=load,
        store=store,
    )
