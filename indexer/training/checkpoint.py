"""A run on disk, whole or not at all. Only tensors and numbers: read with `weights_only`."""

import os
import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from indexer.errors import InvalidRequest
from indexer.training.progress import Progress

_DAMAGED = (RuntimeError, EOFError, ValueError, pickle.UnpicklingError)


def save(
    path: Path, run: str, network: dict[str, Any], optimiser: dict[str, Any], progress: Progress
) -> None:
    """`run`: what tells this run from others."""
    aside = path.with_suffix(".aside")
    state = {
        "run": run,
        "network": network,
        "optimiser": optimiser,
        "progress": {field.name: getattr(progress, field.name) for field in fields(Progress)},
    }
    with aside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load(path: Path, run: str) -> tuple[dict[str, Any], dict[str, Any], Progress]:
    """Of the network, of the optimiser, and where it was.

    Raises InvalidRequest where there is no checkpoint, a damaged one, or one of a run with other options.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InvalidRequest(f"{path} is not there: nothing to go on with", path=str(path)) from None
    except _DAMAGED as error:
        raise InvalidRequest(f"{path} is damaged: {error}", path=str(path)) from error
    if state["run"] != run:
        raise InvalidRequest(f"{path} was made with other options or on other data", path=str(path))
    return state["network"], state["optimiser"], Progress(**state["progress"])
