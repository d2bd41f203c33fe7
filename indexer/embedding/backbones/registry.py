"""The backbones by name: how each is created, loaded, saved, and which faces it takes.

All take faces of shape (n, 3, side, side), RGB, 0 to 255, and scale them themselves.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as dump
from torch import nn

from indexer.embedding.backbones import dlib_resnet, sface
from indexer.embedding.backbones.contrastive import ContrastiveNetwork
from indexer.embedding.card import ModelCard
from indexer.errors import CardUnusable, InvalidRequest
from indexer.files import atomic_write
from indexer.weights.file import WeightFile
from indexer.weights.locate import locate
from indexer.weights.published import DLIB_RESNET, SFACE
from indexer.weights.store import WeightStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    template: str
    """One of `vision.align.TEMPLATES`, of newly trained models: the card of an older one may name another
    version."""
    normalisation: str
    """As in a card; part of the fingerprint."""
    make: Callable[[int], nn.Module]
    """Creates the untrained network, from the dimension of its embeddings."""
    published: WeightFile | None
    """Published weights, from which training may start; None if there are none."""
    read: Callable[[Path], nn.Module] | None
    """Reads the published file; the network is in eval mode."""
    frozen_statistics: bool
    """Whether training keeps the published statistics of the normalisation layers: they come from millions of
    faces, and a batch of a few dozen estimates them less well."""


BACKBONES = {
    "paper": Backbone(
        template="arcface-224-v2",
        normalisation="rgb/255",
        make=ContrastiveNetwork,
        published=None,
        read=None,
        frozen_statistics=False,
    ),
    "sface": Backbone(
        template="arcface-112-v2",
        normalisation="(rgb-127.5)/128",
        make=lambda dimension: _with_head(sface.SFace(), dimension),
        published=SFACE,
        read=sface.load,
        frozen_statistics=True,
    ),
    "dlib-resnet": Backbone(
        template="dlib-150-v2",
        normalisation="(rgb-(122.782,117.001,104.298))/256",
        make=lambda dimension: _with_head(dlib_resnet.DlibResNet(), dimension),
        published=DLIB_RESNET,
        read=dlib_resnet.load,
        frozen_statistics=True,
    ),
}

NATIVE_DIMENSION = 128
"""Of both published backbones."""


def published(name: str, dimension: int = NATIVE_DIMENSION) -> nn.Module:
    """The backbone with its published weights; for another dimension, with an orthogonal projection.

    Raises WeightsMissing, WeightsDamaged, KeyError if it has no published weights.
    """
    backbone = BACKBONES[name]
    if backbone.published is None or backbone.read is None:
        raise KeyError(name)
    return _with_head(backbone.read(locate(backbone.published)), dimension)


def opened(card: ModelCard, store: WeightStore | None = None) -> nn.Module:
    """The network of a card, in eval mode. `store`: for weights that are fetched.

    Raises WeightsMissing, WeightsDamaged, CardUnusable."""
    (file,) = card.weights
    if file.distribution is not None:
        return published(card.architecture, card.dimension)
    return load(locate(file, store), card.architecture, card.dimension)


def stages(network: nn.Module) -> list[nn.Module]:
    """Its layers, or blocks of layers, from the input on."""
    backbone = network.get_submodule("trunk") if isinstance(network, nn.Sequential) else network
    found: list[nn.Module] = []
    for child in backbone.children():
        found.extend(child if isinstance(child, nn.Sequential) else [child])
    return found


def shift(network: nn.Module, by: torch.Tensor) -> None:
    """Adds `by`, shape (dimension,), to every embedding of the network, through its last layer's bias.

    Raises InvalidRequest if the last layer has no bias.
    """
    last = network.get_submodule("head") if isinstance(network, nn.Sequential) else stages(network)[-1]
    if not isinstance(last.bias, torch.Tensor):
        raise InvalidRequest("the last layer of the network has no bias; with another dimension it has one")
    with torch.no_grad():
        last.bias += by.to(last.bias.device)


def load(path: Path, name: str, dimension: int) -> nn.Module:
    """From a safetensors file, in eval mode. Raises CardUnusable if the file is of another network."""
    check_shapes(path, name, dimension)
    module = BACKBONES[name].make(dimension).eval()
    module.load_state_dict(load_file(path))
    return module


def save(module: nn.Module, path: Path) -> None:
    """Writes a safetensors file: names, shapes and numbers, no code. Atomic."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    with atomic_write(path) as aside:
        aside.write_bytes(dump(state))


def check_shapes(path: Path, name: str, dimension: int) -> None:
    """Reads the file's header only. Raises CardUnusable if it does not have the weights of this backbone."""
    with torch.device("meta"):
        expected = {
            key: tuple(tensor.shape) for key, tensor in BACKBONES[name].make(dimension).state_dict().items()
        }
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CardUnusable(f"{path} is not a safetensors file: {error}", path=str(path)) from error
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            raise CardUnusable(
                f"{path} does not hold the weights of {name} with dimension {dimension}: {key} has the shape"
                f" {found.get(key, 'missing')}, expected {expected.get(key, 'no such tensor')}",
                path=str(path),
            )


def _with_head(backbone: nn.Module, dimension: int) -> nn.Module:
    if dimension == NATIVE_DIMENSION:
        return backbone
    # "trunk" and "head" are names of tensors in the files that `save` wrote: they stay.
    head = nn.Linear(NATIVE_DIMENSION, dimension)
    nn.init.orthogonal_(head.weight)
    nn.init.zeros_(head.bias)
    return nn.Sequential(OrderedDict(trunk=backbone, head=head)).train(backbone.training)
