"""Distillation targets: the embeddings of the published weights, which the network keeps to.

Teacher and student have the same architecture; the student sees augmented faces (Hinton, Vinyals and Dean
2015; for low resolution Ge et al. 2018, "Low-resolution face recognition in the wild via selective knowledge
distillation").
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from indexer.embedding.backbones import registry
from indexer.files import atomic_write
from indexer.training.data.faces import Faces, locked
from indexer.training.inference import as_tensor, embed
from indexer.types import Template, Vectors
from indexer.vision.align import TEMPLATES

_AT_ONCE = 8  # more at once outgrow the caches of a CPU
_CENTRED_ON = 1_000


def centred(vectors: Vectors) -> Vectors:
    """The vectors minus their mean, normalised to length 1."""
    moved = vectors - vectors.mean(axis=0)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def mean_direction(
    network: nn.Module, faces: Faces, template: Template, device: torch.device
) -> torch.Tensor:
    """Shape (dimension,): the mean direction of the embeddings, times their mean length. Of a thousand of
    `faces`, without augmentation."""
    network.eval()
    places = np.linspace(0, len(faces) - 1, min(len(faces), _CENTRED_ON)).astype(int)
    blocks = (places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE))
    with torch.inference_mode():
        embeddings = torch.cat(
            [network(as_tensor(faces.aligned(block, template), device)).float() for block in blocks]
        )
    lengths = embeddings.norm(dim=1, keepdim=True)
    return torch.as_tensor((embeddings / lengths).mean(dim=0) * lengths.mean()).clone()


def distillation_targets(
    backbone: str,
    dimension: int,
    faces: Faces,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> Vectors:
    """Shape (faces, dimension), of length 1: the mean of each face, without augmentation, and its mirror
    image, as in serving.

    The result is cached in the folder of `faces`, because it takes as long as an epoch of training. One of
    several processes computes it, the others read it. Raises WeightsMissing, WeightsDamaged, Busy, OSError.
    """
    template = TEMPLATES[registry.BACKBONES[backbone].template]
    network = registry.published(backbone, dimension).to(device).eval()
    digest = hashlib.sha256(f"{backbone} {faces.digest}".encode())
    if dimension != registry.NATIVE_DIMENSION:  # its projection is random
        digest.update(
            b"".join(p.detach().cpu().numpy().tobytes() for p in network.get_submodule("head").parameters())
        )
    cached = faces.folder / f"published-{digest.hexdigest()[:16]}.npy"
    shape = (len(faces), dimension)
    vectors = _read(cached, shape)
    if vectors is None:
        with locked(faces.folder):
            vectors = _read(cached, shape)  # another process may have written it meanwhile
            if vectors is None:
                vectors = _computed(network, faces, template, device, progress)
                with atomic_write(cached) as aside, aside.open("wb") as file:
                    np.save(file, vectors)
    progress(len(faces))
    return vectors


def _computed(
    network: nn.Module,
    faces: Faces,
    template: Template,
    device: torch.device,
    progress: Callable[[int], object],
) -> Vectors:
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parts = []
    for start in range(0, len(faces), _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, len(faces)))
        parts.append(embed(network, faces.aligned(places, template), device, mirror=True))
        progress(places.stop)
    return np.concatenate(parts)


def _read(cached: Path, shape: tuple[int, int]) -> Vectors | None:
    """The targets that an earlier run cached; None if there are none, or the file is damaged."""
    try:
        vectors = np.load(cached)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(vectors, np.float32) if vectors.shape == shape else None
