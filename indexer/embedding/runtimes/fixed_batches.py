"""A network in batches of a few sizes, from and into buffers that never move, as CUDA graphs require."""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.types import Vectors

_log = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Of batches. A larger batch would not keep a GPU any busier, and would take more of its memory."""

Program: TypeAlias = Callable[[], Tensor]
"""Embeds the faces of an input buffer. The result is overwritten by the next call."""


Capture: TypeAlias = Callable[[Program], Program]
"""Returns the same program, faster. Raises RuntimeError if it cannot be captured."""


def batches(count: int) -> Iterator[tuple[int, int, int]]:
    """Divides `count` faces: start, stop, and the size to which the batch is padded."""
    for start in range(0, count, SIZES[-1]):
        stop = min(start + SIZES[-1], count)
        yield start, stop, next(size for size in SIZES if size >= stop - start)


class FixedBatches:
    """Pads faces to the next size, or divides them. Safe to call from several threads, one at a time runs."""

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        *,
        side: int,
        dimension: int,
        stream: torch.cuda.Stream | None,
        capture: Capture | None,
    ) -> None:
        """`network`: from faces, uint8 of shape (n, side, side, 3), to embeddings of shape (n, dimension), on
        the GPU of `stream`; on the processor if that is None."""
        self._network = network
        self._capture = capture
        self._stream = stream
        device = stream.device if stream is not None else torch.device("cpu")
        pinned = stream is not None  # only from such memory a transfer is direct, and does not block
        self._faces = torch.zeros((SIZES[-1], side, side, 3), dtype=torch.uint8, pin_memory=pinned)
        self._faces_there = torch.zeros_like(self._faces, device=device)
        self._embeddings = torch.zeros((SIZES[-1], dimension), pin_memory=pinned)
        self._programs: dict[int, Program] = {}
        self._lock = threading.Lock()
        if stream is not None:  # the network and the buffers may still be on their way to the GPU
            stream.wait_stream(torch.cuda.current_stream(device))

    @torch.inference_mode()
    def run(self, faces: NDArray[np.uint8]) -> Vectors:
        """`faces`: shape (n, side, side, 3). Raises torch.OutOfMemoryError; the next call works again."""
        embeddings = np.empty((len(faces), self._embeddings.shape[1]), np.float32)
        with self._lock:
            for start, stop, size in batches(len(faces)):
                embeddings[start:stop] = self._run(faces[start:stop], size)
        return embeddings

    def _run(self, faces: NDArray[np.uint8], size: int) -> Vectors:
        """The rows of the padding hold faces of earlier batches; rows do not influence each other."""
        count = len(faces)
        self._faces[:count].numpy()[:] = faces
        with torch.cuda.stream(self._stream):
            self._faces_there[:count].copy_(self._faces[:count], non_blocking=True)
            embeddings = self._program(size)()
            self._embeddings[:count].copy_(embeddings[:count], non_blocking=True)
        if self._stream is not None:
            self._stream.synchronize()
        return self._embeddings[:count].numpy()

    def _program(self, size: int) -> Program:
        """Captured when a batch of this size comes for the first time."""
        if size not in self._programs:
            program: Program = partial(self._network, self._faces_there[:size])
            if self._capture is not None:
                try:
                    program = self._capture(program)
                except torch.OutOfMemoryError:  # perhaps not the next time
                    raise
                except RuntimeError as error:
                    _log.warning("no CUDA graph for batches of %d faces, slower without: %s", size, error)
            self._programs[size] = program
        return self._programs[size]
