"""A run's folder, which is one run's alone."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from indexer.errors import Busy, InvalidRequest
from indexer.files import locked

LAST, BEST = "last.pt", "best.safetensors"


def is_first() -> bool:
    """Of the processes that `torchrun` has begun: it alone writes, and speaks."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def claimed(out: Path, *, resume: bool) -> Iterator[None]:
    """As long as the block lasts, `out` is this run's; it is made where it is not there.

    Raises InvalidRequest where it holds a run and `resume` is not wanted, Busy where another process is at
    it, OSError.
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
            raise InvalidRequest(f"{out} holds a run already: --resume goes on with it", path=str(out))
        yield
