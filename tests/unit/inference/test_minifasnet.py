"""MiniFASNet's published tensors, read without torch and run by OpenVINO, against torch itself."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from indexer.inference.minifasnet import minifasnet
from indexer.inference.network import Network
from indexer.inference.torch_file import read_tensors
from indexer.weights import published
from tests.support.weights import MINIFASNETS, needs_liveness

FILES = [MINIFASNETS[file] for file in (published.MINIFASNET_V2, published.MINIFASNET_V1SE)]


@needs_liveness
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_tensors_are_those_that_torch_reads(path: Path) -> None:
    data = path.read_bytes()
    expected = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)

    tensors = read_tensors(data)

    assert tensors.keys() == expected.keys()
    assert all(np.array_equal(tensors[name], tensor.numpy()) for name, tensor in expected.items())


@needs_liveness
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_gives_the_logits_of_torch(path: Path) -> None:
    data = path.read_bytes()
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 3, 80, 80)).astype(np.float32)

    [logits] = Network(minifasnet(data), threads=1).run(pictures)

    expected = Reference({name.removeprefix("module."): tensor for name, tensor in state.items()})
    assert logits == pytest.approx(expected.logits(torch.from_numpy(pictures)).numpy(), abs=1e-4)


def test_a_file_that_names_anything_but_tensors_is_rejected() -> None:
    data = pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(print)

    with pytest.raises(ValueError, match=r"it names builtins\.print"):
        read_tensors(data)


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps(1)])
def test_a_file_that_torch_did_not_write_is_rejected(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a file of tensors"):
        read_tensors(data)


class Reference:
    """The network layer by layer, as torch computes it."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = state

    def logits(self, x: Tensor) -> Tensor:
        x = self.activated(self.activated(x, "conv1", stride=2), "conv2_dw")
        x = self.block(x, "conv_23", stride=2)
        x = self.blocks(x, "conv_3", 4)
        x = self.block(x, "conv_34", stride=2)
        x = self.blocks(x, "conv_4", 6)
        x = self.block(x, "conv_45", stride=2)
        x = self.blocks(x, "conv_5", 2)
        x = self.normalised(self.convolved(self.activated(x, "conv_6_sep"), "conv_6_dw.conv"), "conv_6_dw.bn")
        x = functional.linear(x.flatten(1), self.state["linear.weight"])
        return functional.linear(self.normalised(x, "bn"), self.state["prob.weight"])

    def blocks(self, x: Tensor, name: str, count: int) -> Tensor:
        for number in range(count):
            place = f"{name}.model.{number}"
            out = self.block(x, place)
            if f"{place}.se_module.fc1.weight" in self.state:
                y = self.convolved(out.mean((2, 3), keepdim=True), f"{place}.se_module.fc1")
                y = self.normalised(y, f"{place}.se_module.bn1").relu()
                y = self.normalised(self.convolved(y, f"{place}.se_module.fc2"), f"{place}.se_module.bn2")
                out = out * y.sigmoid()
            x = x + out
        return x

    def block(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        x = self.activated(x, f"{name}.conv")
        x = self.activated(x, f"{name}.conv_dw", stride=stride)
        return self.normalised(self.convolved(x, f"{name}.project.conv"), f"{name}.project.bn")

    def activated(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        x = self.normalised(self.convolved(x, f"{name}.conv", stride=stride), f"{name}.bn")
        return functional.prelu(x, self.state[f"{name}.prelu.weight"])

    def convolved(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        filters = self.state[f"{name}.weight"]
        groups = x.shape[1] // filters.shape[1]
        padding = 1 if filters.shape[2] == 3 else 0
        return functional.conv2d(x, filters, stride=stride, padding=padding, groups=groups)

    def normalised(self, x: Tensor, name: str) -> Tensor:
        mean, variance, factor, shift = (
            self.state[f"{name}.{what}"] for what in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, factor, shift)
