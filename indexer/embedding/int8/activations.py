"""Figures of SFace's activations, measured by `benchmarks/int8_ranges.py`. They are part of the model."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("sface.npz")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Activations:
    """Of the input of one layer."""

    scale: NDArray[np.float32]
    """Shape (channels,): by which each channel is divided, so that their ranges are alike."""
    mean: NDArray[np.float32]
    """Shape (channels,): of each channel before it is divided."""
    low: float
    """The range after the division; values outside of it are clipped."""
    high: float


def read(path: Path = FILE) -> dict[str, Activations]:
    """By layer."""
    with np.load(path) as arrays:
        names = dict.fromkeys(key.rpartition(".")[0] for key in arrays.files)
        return {
            name: Activations(
                scale=arrays[f"{name}.scale"].astype(np.float32),
                mean=arrays[f"{name}.mean"].astype(np.float32),
                low=float(arrays[f"{name}.range"][0]),
                high=float(arrays[f"{name}.range"][1]),
            )
            for name in names
        }


def write(activations: Mapping[str, Activations], path: Path = FILE) -> None:
    """Half precision: the figures are estimates, and the file stays small."""
    arrays: dict[str, Any] = {}
    for name, one in activations.items():
        arrays[f"{name}.scale"] = one.scale.astype(np.float16)
        arrays[f"{name}.mean"] = one.mean.astype(np.float16)
        arrays[f"{name}.range"] = np.array([one.low, one.high], np.float32)
    np.savez_compressed(path, **arrays)


@cache
def digest(path: Path = FILE) -> str:
    """Of the file, 12 hexadecimal digits: other figures are another model."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
