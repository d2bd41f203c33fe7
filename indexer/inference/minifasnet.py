"""MiniFASNet (Minivision 2020), a MobileFaceNet that was pruned for presentation attack detection, as an
OpenVINO model made from its published file of tensors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from indexer.inference.torch_file import read_tensors

_STAGES = ("conv_23", "conv_3", "conv_34", "conv_4", "conv_45", "conv_5")
"""Those named by two digits halve the picture; the others are several residual blocks."""
_EPSILON = 1e-5


def minifasnet(weights: bytes, side_px: int = 80) -> openvino.Model:
    """Pictures in, shape (n, 3, `side_px`, `side_px`), BGR, 0 to 255; logits out, shape (n, classes).

    `weights`: a file that torch wrote. Raises ValueError if it has not this network's tensors."""
    tensors = {name.removeprefix("module."): value for name, value in read_tensors(weights).items()}
    pictures = ops.parameter([-1, 3, side_px, side_px], np.float32, name="pictures")
    try:
        logits = _Graph(tensors).logits(pictures)
        return openvino.Model([logits], [pictures], "MiniFASNet")
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"not the tensors of MiniFASNet: {error}") from error


class _Graph:
    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self._tensors = tensors

    def logits(self, x: Any) -> Any:
        x = self._activated(x, "conv1", stride=2, padding=1)
        x = self._activated(x, "conv2_dw", padding=1)
        for stage in _STAGES:
            if f"{stage}.conv.conv.weight" in self._tensors:
                x = self._block(x, stage, stride=2)
            else:
                for number in range(self._blocks_of(stage)):
                    x = self._residual(x, f"{stage}.model.{number}")
        x = self._activated(x, "conv_6_sep")
        x = self._convolved(x, "conv_6_dw.conv", "conv_6_dw.bn")
        x = ops.squeeze(x, np.array([2, 3]))
        x = self._times(x, "linear.weight")
        factor, shift = self._normalisation("bn")
        x = ops.add(ops.multiply(x, factor[np.newaxis]), shift[np.newaxis])
        return self._times(x, "prob.weight")

    def _blocks_of(self, stage: str) -> int:
        prefix = f"{stage}.model."
        return len({name.split(".")[2] for name in self._tensors if name.startswith(prefix)})

    def _block(self, x: Any, name: str, *, stride: int = 1) -> Any:
        """More channels, a convolution of each channel by itself, and fewer channels."""
        x = self._activated(x, f"{name}.conv")
        x = self._activated(x, f"{name}.conv_dw", stride=stride, padding=1)
        return self._convolved(x, f"{name}.project.conv", f"{name}.project.bn")

    def _residual(self, x: Any, name: str) -> Any:
        out = self._block(x, name)
        if f"{name}.se_module.fc1.weight" in self._tensors:
            out = self._weighted(out, f"{name}.se_module")
        return ops.add(x, out)

    def _weighted(self, x: Any, name: str) -> Any:
        """Each channel times a factor that follows from the means of all (squeeze and excitation)."""
        means = ops.reduce_mean(x, np.array([2, 3]), keep_dims=True)
        hidden = ops.relu(self._convolved(means, f"{name}.fc1", f"{name}.bn1"))
        return ops.multiply(x, ops.sigmoid(self._convolved(hidden, f"{name}.fc2", f"{name}.bn2")))

    def _activated(self, x: Any, name: str, *, stride: int = 1, padding: int = 0) -> Any:
        x = self._convolved(x, f"{name}.conv", f"{name}.bn", stride=stride, padding=padding)
        return ops.prelu(x, self._tensors[f"{name}.prelu.weight"])

    def _convolved(self, x: Any, name: str, normalisation: str, *, stride: int = 1, padding: int = 0) -> Any:
        """A convolution into which the normalisation after it is multiplied."""
        factor, shift = self._normalisation(normalisation)
        filters = self._tensors[f"{name}.weight"] * factor[:, np.newaxis, np.newaxis, np.newaxis]
        steps, borders, dilation = [stride] * 2, [padding] * 2, [1, 1]
        if filters.shape[1] == 1 and len(filters) > 1:  # a filter for each channel
            filters = filters[:, np.newaxis]
            x = ops.group_convolution(x, filters, steps, borders, borders, dilation)
        else:
            x = ops.convolution(x, filters, steps, borders, borders, dilation)
        return ops.add(x, shift[np.newaxis, :, np.newaxis, np.newaxis])

    def _normalisation(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The factor and the shift of each channel that a batch normalisation amounts to after training."""
        mean, variance = (self._tensors[f"{name}.running_{what}"] for what in ("mean", "var"))
        factor = self._tensors[f"{name}.weight"] / np.sqrt(variance + _EPSILON)
        shift = self._tensors[f"{name}.bias"] - mean * factor
        return factor.astype(np.float32), shift.astype(np.float32)

    def _times(self, x: Any, name: str) -> Any:
        return ops.matmul(x, self._tensors[name], False, True)
