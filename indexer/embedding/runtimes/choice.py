"""Which runtime runs a model. Nothing is measured: the device decides.

torch is imported only where there may be a GPU: importing it takes a second and 190 MB in each process.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from indexer.errors import Misconfigured

Runtime = Literal["torch", "openvino"]
OPENVINO_ONLY = frozenset({"onnx", "reid0095", "sface-int8"})
"""Architectures of which there is no torch module."""
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
"""Device files of GPU drivers: NVIDIA's, of its embedded boards, of GPUs in WSL, AMD's. A container without
access to a GPU has none of them."""


def has_gpu() -> bool:
    """Whether torch finds a GPU."""
    if not any(Path(file).exists() for file in _GPU_FILES):
        return False
    import torch

    return torch.cuda.is_available()


def choose(
    architecture: str,
    *,
    runtime: Literal["auto", "torch", "openvino"] = "auto",
    device: str | None = None,
    gpu: Callable[[], bool] = has_gpu,
) -> Runtime:
    """`device`: None for a GPU if there is one. Raises Misconfigured for an impossible combination."""
    if runtime == "openvino":
        check_device(device)
        return "openvino"
    if architecture in OPENVINO_ONLY:
        if runtime == "torch":
            raise Misconfigured(
                f"torch does not run {architecture} models: set GEMEL_RUNTIME to auto or openvino"
            )
        return "openvino"
    if runtime == "torch":
        return "torch"
    on_gpu = gpu() if device is None else device != "cpu"
    return "torch" if on_gpu else "openvino"


def check_device(device: str | None) -> None:
    """Raises Misconfigured if OpenVINO does not run networks there."""
    if device not in (None, "cpu"):
        raise Misconfigured(
            f"OpenVINO runs networks on the processor, not on {device}: set GEMEL_RUNTIME to auto or torch,"
            " or GEMEL_DEVICE to cpu"
        )
