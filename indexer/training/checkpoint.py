"""A run on disk, whole or not at all. Only tensors and numbers: read with `weights_only`."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from indexer.errors import InvalidRequest


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a run is, besides its weights."""

    step: int = 0
    best: float = float("inf")
    best_step: int = 0
    worse: int = 0
    """Validations since the best one."""
    history: list[dict[str, Any]] = field(default_factory=list)
    means: dict[str, float] = field(default_factory=dict)
    """Sums since the last validation."""


def save(
    path: Path, run: str, network: dict[str, Any], optimiser: dict[str, Any], progress: Progress
) -> None:
    """`run`: what tells this run from others."""
    aside = path.with_suffix(".aside")
    state = {
        "run": run,
        "network": network,
        "optimiser": optimiser,
        "progress": {name: getattr(progress, name) for name in Progress.__slots__},
    }
    with aside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load(path: Path, run: str) -> tuple[dict[str, Any], dict[str, Any], Progress]:
    """Of the network, of the optimiser, and where it was.

    Raises InvalidRequest where there is no checkpoint, or one of a run with other options.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InvalidRequest(f"{path} is not there: nothing to go on with", path=str(path)) from None
    if state["run"] != run:
        raise InvalidRequest(f"{path} was made with other options or on other data", path=str(path))
    return state["network"], state["optimiser"], Progress(**state["progress"])
