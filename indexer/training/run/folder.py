"""The folder of a run, which one run holds exclusively."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from indexer.errors import Busy, InvalidRequest
from indexer.files import locked

LAST, BEST = "last.pt", "best.safetensors"


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
