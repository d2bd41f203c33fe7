"""CUDA graphs: the processor starts one graph, not each of a network's hundred kernels.

For small batches starting the kernels takes longer than the GPU needs to run them.
"""

import threading

import torch

from indexer.embedding.runtimes.fixed_batches import Program

_WARM_UPS = 3
"""Runs before the capture, in which cuDNN and cuBLAS choose kernels and allocate their workspaces."""
_capturing = threading.Lock()
"""A process may capture one graph at a time."""


def release_memory() -> None:
    """Returns what torch keeps for later to the GPU; torch cannot do that during a capture."""
    with _capturing:
        torch.cuda.empty_cache()


class CudaGraphs:
    """Captures programs that run on one stream, by one thread at a time.

    All graphs have one pool of memory. That is safe because they never run at the same time, and a result is
    copied before the next graph runs.
    """

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream = stream
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, program: Program) -> Program:
        """Raises torch.OutOfMemoryError, and RuntimeError if the program cannot be captured."""
        with _capturing, torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                program()
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # Thread-local: other threads, such as FAISS's, may allocate memory meanwhile.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                result = program()

        def replay() -> torch.Tensor:
            graph.replay()
            return result

        return replay
