"""dlib's face recognition network as a torch module, and the reader of its file.

A ResNet of 29 convolutions, trained with a contrastive (metric) loss on three million faces (King 2017).
As in dlib, the residual path with fewer channels or fewer pixels is padded with zeros.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.errors import WeightsDamaged

_LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, blocks, and whether the first block halves the picture."""
_PIXEL_MEANS = (122.782, 117.001, 104.298)
_PIXEL_SCALE = 256.0


class DlibResNet(nn.Module):
    """Faces in, shape (n, 3, 150, 150), RGB, 0 to 255; embeddings out, shape (n, 128), of any length."""

    means: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("means", torch.tensor(_PIXEL_MEANS).view(1, 3, 1, 1), persistent=False)
        self.stem = ConvAffine(3, 32, kernel=7, stride=2)
        self.pool = nn.MaxPool2d(3, 2)
        blocks, before = [], 32
        for channels, count, halves in _LEVELS:
            for number in range(count):
                blocks.append(ResidualBlock(before, channels, halves=halves and number == 0))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(256, 128, bias=False)

    def forward(self, faces: Tensor) -> Tensor:
        x = (faces - self.means) / _PIXEL_SCALE
        x = self.blocks(self.pool(torch.relu(self.stem(x))))
        embedding: Tensor = self.fc(x.mean(dim=(2, 3)))
        return embedding


class ConvAffine(nn.Module):
    """A convolution, then a factor and a shift per channel: a batch normalisation after training."""

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding)
        self.gamma = nn.Parameter(torch.ones(channels_out))
        self.beta = nn.Parameter(torch.zeros(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out * self.gamma.view(1, -1, 1, 1) + self.beta.view(1, -1, 1, 1)


class ResidualBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, *, halves: bool) -> None:
        super().__init__()
        self.first = ConvAffine(channels_in, channels_out, stride=2 if halves else 1)
        self.second = ConvAffine(channels_out, channels_out)
        self.shortcut = nn.AvgPool2d(2, 2) if halves else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out, kept = self.second(torch.relu(self.first(x))), self.shortcut(x)
        channels, height, width = (max(a, b) for a, b in zip(out.shape[1:], kept.shape[1:], strict=True))
        return torch.relu(_padded(out, channels, height, width) + _padded(kept, channels, height, width))


def load(path: Path) -> DlibResNet:
    """With the weights of dlib's file, in eval mode, float32. Raises WeightsDamaged."""
    backbone = DlibResNet().eval()
    tensors = _tensors(path)
    state: dict[str, NDArray[np.float32]] = {}
    units = [unit for unit in backbone.modules() if isinstance(unit, ConvAffine)]
    names = {module: name for name, module in backbone.named_modules()}
    try:
        for unit in units:
            filters, biases = _halves(next(tensors), unit.conv.weight.numel())
            gamma, beta = _halves(next(tensors), unit.gamma.numel())
            name = names[unit]
            state |= {
                f"{name}.conv.weight": filters.reshape(unit.conv.weight.shape),
                f"{name}.conv.bias": biases,
                f"{name}.gamma": gamma,
                f"{name}.beta": beta,
            }
        # dlib stores the transposed matrix.
        state["fc.weight"] = next(tensors).reshape(256, 128).T
        backbone.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in state.items()})
    except (StopIteration, ValueError, RuntimeError) as error:
        raise WeightsDamaged(f"{path} does not contain the expected network: {error}") from error
    return backbone


def _padded(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    missing = (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1])
    return nn.functional.pad(x, missing) if any(missing) else x


def _halves(tensor: NDArray[np.float32], first: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return tensor[:first], tensor[first:]


_LAYER = re.compile(rb"\x01\x05con_4|\x01\x07affine_|\x01\x04fc_2")
"""A layer begins with the length of its name and the name."""


def _tensors(path: Path) -> Iterator[NDArray[np.float32]]:
    """The parameters of each layer, flat, in the order of the file, which is that of the network."""
    data = path.read_bytes()
    place = 0
    while layer := _LAYER.search(data, place):
        place = layer.end()
        if layer.group().endswith(b"fc_2"):
            for _ in range(2):  # outputs and inputs
                _, place = _integer(data, place)
        version, place = _integer(data, place)
        if version != 2:
            raise WeightsDamaged(f"{path} has a tensor of version {version}")
        size = 1
        for _ in range(4):
            side, place = _integer(data, place)
            size *= side
        yield np.frombuffer(data, "<f4", size, place)
        place += 4 * size


def _integer(data: bytes, place: int) -> tuple[int, int]:
    """Reads one integer as dlib writes it, after a byte with its length and sign. Returns it and its end."""
    control = data[place]
    end = place + 1 + (control & 0x0F)
    value = int.from_bytes(data[place + 1 : end], "little")
    return (-value if control & 0x80 else value), end
