"""What the published weights make of each face: where training is to keep it, however bad the view.

A teacher and a student of one network, the student on worse pictures (Hinton, Vinyals and Dean 2015;
for faces of low resolution Ge et al. 2018, "Low-resolution face recognition in the wild via selective
knowledge distillation").
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from indexer.embedding.backbones import registry
from indexer.files import written_whole
from indexer.training.data.faces import Faces, locked
from indexer.training.inference import as_tensor, embed
from indexer.types import Template, Vectors
from indexer.vision.align import TEMPLATES

_AT_ONCE = 8  # more at once outgrow the caches of a CPU
_CENTRED_ON = 1_000


def centred(vectors: Vectors) -> Vectors:
    """About their mean, and of length 1 again."""
    moved = vectors - vectors.mean(axis=0)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def mean_direction(network: nn.Module, faces: Faces, wanted: Template, device: torch.device) -> torch.Tensor:
    """Shape (dimension,): where the embeddings of faces lie on the whole, in the network's own lengths; of a
    thousand of `faces`, undisturbed."""
    network.eval()
    places = np.linspace(0, len(faces) - 1, min(len(faces), _CENTRED_ON)).astype(int)
    blocks = (places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE))
    with torch.inference_mode():
        made = torch.cat(
            [network(as_tensor(faces.aligned(block, wanted), device)).float() for block in blocks]
        )
    lengths = made.norm(dim=1, keepdim=True)
    return torch.as_tensor((made / lengths).mean(dim=0) * lengths.mean()).clone()


def distillation_targets(
    backbone: str,
    dimension: int,
    faces: Faces,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> Vectors:
    """Shape (faces, dimension), of length 1: the mean of each undisturbed face and its mirror image, as it is
    served. Kept in the cache's folder, for it takes as long as an epoch; of several processes one makes it,
    and the others read it. Raises WeightsMissing, WeightsDamaged, Busy, OSError."""
    wanted = TEMPLATES[registry.BACKBONES[backbone].template]
    network = registry.published(backbone, dimension).to(device).eval()
    of = hashlib.sha256(f"{backbone} {faces.digest}".encode())
    if dimension != registry.NATIVE_DIMENSION:  # its projection was drawn just now
        of.update(
            b"".join(p.detach().cpu().numpy().tobytes() for p in network.get_submodule("head").parameters())
        )
    kept = faces.folder / f"published-{of.hexdigest()[:16]}.npy"
    shape = (len(faces), dimension)
    vectors = _read(kept, shape)
    if vectors is None:
        with locked(faces.folder):
            vectors = _read(kept, shape)  # another process may have made it meanwhile
            if vectors is None:
                vectors = _made(network, faces, wanted, device, progress)
                with written_whole(kept) as aside, aside.open("wb") as file:
                    np.save(file, vectors)
    progress(len(faces))
    return vectors


def _made(
    network: nn.Module,
    faces: Faces,
    wanted: Template,
    device: torch.device,
    progress: Callable[[int], object],
) -> Vectors:
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parts = []
    for start in range(0, len(faces), _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, len(faces)))
        parts.append(embed(network, faces.aligned(places, wanted), device, mirror=True))
        progress(places.stop)
    return np.concatenate(parts)


def _read(kept: Path, shape: tuple[int, int]) -> Vectors | None:
    """What an earlier run has kept; None where it is not there, or damaged."""
    try:
        vectors = np.load(kept)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(vectors, np.float32) if vectors.shape == shape else None
