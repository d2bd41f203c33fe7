"""The device of a process, and the processes of one run, as `torchrun` starts them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed as group

from indexer.errors import InvalidRequest
from indexer.training.options import Options


def device_of(options: Options) -> torch.device:
    """The device of this process: without an index (`cuda`), the GPU of the process's number.

    Raises InvalidRequest.
    """
    try:
        device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError:
        raise InvalidRequest(
            f"device: {options.device!r} is not a device; use cpu, cuda or cuda:0, for example"
        ) from None
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidRequest(f"device: {device} does not exist; there are {torch.cuda.device_count()} GPUs")
    return device


@contextmanager
def processes(options: Options) -> Iterator[tuple[int, int]]:
    """Yields the number of this process and the number of processes. If one fails, torchrun ends them all."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield 0, 1
        return
    device = device_of(options)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    group.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield group.get_rank(), count
    finally:
        group.destroy_process_group()


def check_same(run: dict[str, str]) -> None:
    """Raises InvalidRequest if `run` is not the same in all processes."""
    if not group.is_initialized():
        return
    runs: list[Any] = [None] * group.get_world_size()
    group.all_gather_object(runs, run)
    if any(other != run for other in runs):
        raise InvalidRequest("the processes have found different faces: do they read the same data?")


def decision_of_first(decision: bool, device: torch.device) -> bool:
    """What the first process has decided; the others' `decision` does not count."""
    if not group.is_initialized():
        return decision
    shared = torch.tensor([int(decision)], device=device)
    group.broadcast(shared, 0)
    return bool(shared.item())
