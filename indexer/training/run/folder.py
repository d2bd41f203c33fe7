"""The folder of a run, which one run holds exclusively."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from indexer.errors import Busy, InvalidRequest
from indexer.files import atomic_write, locked, reason

LAST, BEST, OPTIONS = "last.pt", "best.safetensors", "options.json"


def is_first() -> bool:
    """Whether this is the first process of `torchrun`: only that one writes and prints."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def claimed(out: Path, *, resume: bool) -> Iterator[None]:
    """Holds the lock of `out`, which is created if necessary.

    Raises InvalidRequest if it holds a run and `resume` is false, Busy if another process trains in it,
    OSError.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not is_first():
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(out / "lock", wait=False))
        except BlockingIOError:
            raise Busy(f"another process is training in {out}", path=str(out)) from None
        if not resume and (out / LAST).exists():
            raise InvalidRequest(f"{out} already holds a run: --resume continues it", path=str(out))
        yield


def write_options(out: Path, options: dict[str, Any]) -> None:
    with atomic_write(out / OPTIONS) as aside:
        aside.write_text(json.dumps(options, indent=2) + "\n", "utf-8")


def read_options(out: Path) -> dict[str, Any]:
    """Those of the run in `out`; empty if there are none. Raises InvalidRequest."""
    try:
        options = json.loads((out / OPTIONS).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"cannot read {out / OPTIONS}: {reason(error)}", path=str(out)) from error
    if not isinstance(options, dict):
        raise InvalidRequest(f"{out / OPTIONS} does not hold options", path=str(out))
    return options
