"""What a signal does to a process stays as it is while Ray starts and ends in it.

Ray replaces the handler of SIGTERM by one that prints a trace and aborts the process, and by the default when
it is shut down: a server would not finish its requests. Python can set a handler in its main thread only, and
cannot put back one of C, so the C library's function is called.
"""

import ctypes
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ACTION_BYTES = 1024
"""More than a `struct sigaction` has anywhere."""


@contextmanager
def kept() -> Iterator[None]:
    """SIGTERM and SIGINT have the same handlers after the block as before. In any thread."""
    libc = ctypes.CDLL(None)
    before = {number: ctypes.create_string_buffer(_ACTION_BYTES) for number in SIGNALS}
    for number, action in before.items():
        libc.sigaction(number, None, action)
    try:
        yield
    finally:
        for number, action in before.items():
            libc.sigaction(number, action, None)
