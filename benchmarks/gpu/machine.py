"""The card and the software of a measurement."""

import os
import platform
from typing import Any

import faiss
import torch

from indexer.index.gpu import sharded as index_on_gpu


def missing_gpu() -> str | None:
    """Why nothing can be measured here; None if torch has a GPU."""
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA"
    return f"torch {torch.__version__} finds no NVIDIA GPU"


def description() -> dict[str, Any]:
    """Of a machine with a GPU."""
    card = torch.cuda.get_device_properties(0)
    return {
        "card": card.name,
        "cards": torch.cuda.device_count(),
        "memory_gb": round(card.total_memory / 1e9, 1),
        "driver": _driver(),
        "torch": torch.__version__,
        "cuda_of_torch": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "faiss": faiss.__version__,
        "gpus_of_faiss": index_on_gpu.device_count(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def _driver() -> str:
    try:
        import pynvml

        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except Exception as error:  # the package is missing, or NVIDIA's library does not load
        return f"unknown: {error}"
