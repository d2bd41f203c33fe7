"""What the published weights make of each face: where training is to keep it, however bad the view.

A teacher and a student of one network, the student on worse pictures (Hinton, Vinyals and Dean 2015;
for faces of low resolution Ge et al. 2018, "Low-resolution face recognition in the wild via selective
knowledge distillation").
"""

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from indexer.embedding import trunks
from indexer.training.faces import Faces
from indexer.types import Vectors
from indexer.vision.align import TEMPLATES, align

_AT_ONCE = 8  # more at once outgrow the caches of a CPU
_NATIVE = 128


def of_published(
    trunk: str,
    dimension: int,
    faces: Faces,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> Vectors:
    """Shape (faces, dimension), of length 1: the mean of each undisturbed face and its mirror image, as it is
    served. Kept in the cache's folder, for it takes as long as an epoch. Raises WeightsMissing,
    WeightsDamaged."""
    wanted = TEMPLATES[trunks.TRUNKS[trunk].template]
    network = trunks.published(trunk, dimension).to(device).eval()
    of = hashlib.sha256(f"{trunk} {faces.digest}".encode())
    if dimension != _NATIVE:  # its projection was drawn just now
        of.update(
            b"".join(p.detach().cpu().numpy().tobytes() for p in network.get_submodule("head").parameters())
        )
    kept = faces.folder / f"published-{of.hexdigest()[:16]}.npy"
    if kept.exists():
        progress(len(faces))
        return np.asarray(np.load(kept), np.float32)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parts = []
    with torch.inference_mode():
        for start in range(0, len(faces), _AT_ONCE):
            block = [faces.pixels(place) for place in range(start, min(start + _AT_ONCE, len(faces)))]
            aligned = np.stack([align(pixels, crop.landmarks, wanted) for pixels, crop in block])
            views = torch.from_numpy(aligned).to(device).permute(0, 3, 1, 2).float()
            made = network(views) + network(views.flip(3))
            parts.append(nn.functional.normalize(made, dim=1).cpu().numpy())
            progress(start + len(block))
    vectors = np.concatenate(parts).astype(np.float32)
    aside = kept.with_suffix(".aside.npy")
    np.save(aside, vectors)
    aside.replace(kept)
    return vectors
