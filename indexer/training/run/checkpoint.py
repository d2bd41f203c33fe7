"""The checkpoint of a run, written atomically. It has only tensors and numbers, so `weights_only` reads
it."""

import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from indexer.errors import InvalidRequest
from indexer.files import atomic_write
from indexer.training.run.progress import Progress

_DAMAGED = (RuntimeError, EOFError, ValueError, pickle.UnpicklingError)


def save(path: Path, run: dict[str, str], states: dict[str, dict[str, Any]], progress: Progress) -> None:
    """`run`: what identifies the run, by name. `states`: the states of its parts, by name."""
    state = {
        "run": run,
        "states": states,
        "progress": {field.name: getattr(progress, field.name) for field in fields(Progress)},
    }
    with atomic_write(path) as aside, aside.open("wb") as file:
        torch.save(state, file)


def load(path: Path, run: dict[str, str]) -> tuple[dict[str, dict[str, Any]], Progress]:
    """The saved states, and the progress of the run.

    Raises InvalidRequest if there is no checkpoint, or it is damaged, or it belongs to another `run`.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InvalidRequest(f"{path} does not exist: there is no run to resume", path=str(path)) from None
    except _DAMAGED as error:
        raise InvalidRequest(f"{path} is damaged: {error}", path=str(path)) from error
    saved = state.get("run") if isinstance(state, dict) else None
    if not isinstance(saved, dict):
        raise InvalidRequest(f"{path} is not a checkpoint of this version of Gemel", path=str(path))
    other = [what for what, value in run.items() if saved.get(what) != value]
    if other:
        raise InvalidRequest(
            f"{path} belongs to a run with other {' and '.join(other)}", path=str(path), other=other
        )
    return state["states"], Progress(**state["progress"])
