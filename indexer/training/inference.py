"""The embeddings of aligned faces by a network in evaluation mode."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.types import Vectors

_AT_ONCE = 64


def as_tensor(faces: NDArray[np.uint8], device: torch.device) -> Tensor:
    """From shape (n, side, side, 3), uint8, to (n, 3, side, side), float32, 0 to 255."""
    return torch.from_numpy(faces).to(device).permute(0, 3, 1, 2).float()


def embed(
    network: nn.Module, faces: NDArray[np.uint8], device: torch.device, *, mirror: bool = False
) -> Vectors:
    """The embeddings (n, dimension), of length 1, of aligned faces (n, side, side, 3).

    `mirror`: the mean of each face and its mirror image, as in serving.
    """
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(faces), _AT_ONCE):
            block = as_tensor(faces[start : start + _AT_ONCE], device)
            embeddings = network(block).float()
            if mirror:
                embeddings = embeddings + network(block.flip(3)).float()
            parts.append(nn.functional.normalize(embeddings, dim=1).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)
