"""Decodes clips from outside, each in a process of its own, with limits of time and memory."""

import logging
import signal
import threading

from indexer.concurrency import ConcurrencyLimit
from indexer.errors import Busy, ClipTooExpensive, UnreadableClip
from indexer.rate_limited_log import RateLimitedLog
from indexer.vision.clips.container import container_of
from indexer.vision.clips.process import OVERRUN
from indexer.vision.clips.process_handle import ClipPicture, ClipProcess
from indexer.vision.clips.reading import ClipLimits
from indexer.vision.decoding.child_process import ProcessDied

_deaths = RateLimitedLog(logging.getLogger(__name__))
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM}
"""The kernel lacks memory, or an operator ends the process. Anything else is the clip's fault."""


class ClipDecoder:
    """Safe to call from several threads."""

    def __init__(self, slots: ConcurrencyLimit, *, limits: ClipLimits, max_seconds: float) -> None:
        """`slots`: as many processes may run at once. `max_seconds`: of processor time, for a clip."""
        self._slots = slots
        self._limits = limits
        self._max_seconds = max_seconds
        self._busy: set[ClipProcess] = set()
        self._closed = False
        self._lock = threading.Lock()

    def decode(self, data: bytes) -> list[ClipPicture]:
        """Frames at equal distances, in their order: 1 to `max_frames` of the limits, at least half as many
        where the clip has them.

        Raises UnsupportedClipFormat, UnreadableClip, ClipTooLarge, ClipTooExpensive, Busy, Abandoned."""
        container = container_of(data)
        status = 0
        with self._slots.slot():
            for _ in range(2):  # a second time, if the process was killed from outside
                try:
                    process = ClipProcess(container, self._limits)
                except OSError as error:  # no memory, or too many processes or open files
                    raise Busy(f"cannot start a process for a clip: {error.strerror}") from error
                try:
                    self._begin(process)
                    return process.read(data, self._max_seconds)
                except ProcessDied as death:
                    status = death.status
                    _deaths.line(
                        logging.WARNING,
                        str(status),
                        "a process that decoded a clip ended with status %d",
                        status,
                    )
                    _raise_for(status, self._max_seconds)
                finally:
                    self._end(process)
        raise Busy(f"two processes that decoded a clip ended with status {status}")

    def close(self) -> None:
        """Kills all processes; clips that are being decoded fail."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.kill()

    def _begin(self, process: ClipProcess) -> None:
        with self._lock:
            if self._closed:
                raise Busy("the server is shutting down")
            self._busy.add(process)

    def _end(self, process: ClipProcess) -> None:
        with self._lock:
            self._busy.discard(process)
        process.close()


def _raise_for(status: int, seconds: float) -> None:
    """Raises if the clip ended the process; returns if the process was killed from outside."""
    if -status in (OVERRUN, signal.SIGXCPU):
        raise ClipTooExpensive(
            f"decoding the clip takes more than {seconds:.1f} s of processor time (GEMEL_MAX_DECODING_S)",
            limit=round(seconds, 1),
        )
    if -status not in _FROM_OUTSIDE:
        raise UnreadableClip("the clip is damaged: it crashed the process that decoded it")
