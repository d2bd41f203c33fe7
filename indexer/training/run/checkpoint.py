"""A run on disk, whole or not at all. Only tensors and numbers: read with `weights_only`."""

import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from indexer.errors import InvalidRequest
from indexer.files import written_whole
from indexer.training.run.progress import Progress

_DAMAGED = (RuntimeError, EOFError, ValueError, pickle.UnpicklingError)


def save(path: Path, run: dict[str, str], states: dict[str, dict[str, Any]], progress: Progress) -> None:
    """`run`: what tells this run from others, by what it is of. `states`: of its parts, by their names."""
    state = {
        "run": run,
        "states": states,
        "progress": {field.name: getattr(progress, field.name) for field in fields(Progress)},
    }
    with written_whole(path) as aside, aside.open("wb") as file:
        torch.save(state, file)


def load(path: Path, run: dict[str, str]) -> tuple[dict[str, dict[str, Any]], Progress]:
    """The states that were saved, and where the run was.

    Raises InvalidRequest where there is no checkpoint, a damaged one, or one of a run with other options.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InvalidRequest(f"{path} is not there: nothing to go on with", path=str(path)) from None
    except _DAMAGED as error:
        raise InvalidRequest(f"{path} is damaged: {error}", path=str(path)) from error
    there = state.get("run") if isinstance(state, dict) else None
    if not isinstance(there, dict):
        raise InvalidRequest(f"{path} is no checkpoint of this version of Gemel", path=str(path))
    other = [what for what, value in run.items() if there.get(what) != value]
    if other:
        raise InvalidRequest(f"{path} was made with other {' and '.join(other)}", path=str(path), other=other)
    return state["states"], Progress(**state["progress"])
