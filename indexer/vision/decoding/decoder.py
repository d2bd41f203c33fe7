"""Decodes pictures from outside in processes that can be killed, with limits of time and memory."""

import logging
import math
import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Self

from indexer.concurrency import ConcurrencyLimit
from indexer.errors import Busy, ImageTooExpensive, InvalidInput, UnreadableImage
from indexer.rate_limited_log import RateLimitedLog
from indexer.vision.clips.decoder import ClipDecoder
from indexer.vision.clips.reading import ClipLimits
from indexer.vision.decoding import formats
from indexer.vision.decoding.child_process import ProcessDied
from indexer.vision.decoding.decode import Picture, decode_picture
from indexer.vision.decoding.formats.header import Header
from indexer.vision.decoding.process import OVERRUN, memory_bytes
from indexer.vision.decoding.process_handle import ProcessHandle

_deaths = RateLimitedLog(logging.getLogger(__name__))

_FIXED_SECONDS = 2.0
_SECONDS_PER_MEGAPIXEL = 0.15
"""Of processor time, up to the configured limit: a small picture gets less than a large one."""

_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}


class Decoder:
    """Decodes a picture in this process if its header proves it harmless, else in one of a few processes.

    A process decodes one picture at a time. Processes start on demand; one that exceeds a limit is killed and
    replaced. Safe to call from several threads.
    """

    def __init__(
        self,
        *,
        max_pixels: int,
        max_seconds: float = 10.0,
        processes: int = 2,
        patience_seconds: float | None = None,
        max_callers: int | None = None,
    ) -> None:
        """`max_seconds`: of processor time, for the largest picture. `patience_seconds`: how long a picture
        waits for a process; None: no limit. `max_callers`: how many threads may use a process or wait for
        one, so that the other threads stay free for work without one; None: no limit."""
        self.max_pixels = max_pixels
        self._max_seconds = max_seconds
        self._slots = ConcurrencyLimit(
            processes,
            purpose="process that decodes pictures",
            patience_seconds=patience_seconds,
            max_callers=max_callers,
        )
        limits = ClipLimits(max_pixels=min(max_pixels, ClipLimits().max_pixels))
        self.clips = ClipDecoder(self._slots, limits=limits, max_seconds=max_seconds)
        """They wait for the same processes as expensive pictures."""
        self._idle: list[ProcessHandle] = []
        self._busy: set[ProcessHandle] = set()
        self._closed = False
        self._lock = threading.Lock()

    def inspect(self, data: bytes) -> Header:
        """Reads the picture's header. Raises what `decode` raises, except Busy and Abandoned."""
        return formats.inspect(data, max_pixels=self.max_pixels)

    def decode(self, data: bytes) -> Picture:
        """Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive, Busy (no process
        is free, the machine is overloaded, or the processes were killed from outside), Abandoned.
        """
        header = self.inspect(data)
        with self.slot(header):
            return self.decode_in_slot(data, header)

    def slot(self, header: Header) -> AbstractContextManager[None]:
        """Hold it while the picture is decoded, and preferably until its pixels are no longer needed: they
        take memory. Raises Busy, Abandoned."""
        return nullcontext() if header.harmless else self._slots.slot()

    def decode_in_slot(self, data: bytes, header: Header, *, min_side_px: float = math.inf) -> Picture:
        """Like `decode`, for a caller that holds the `slot`. `min_side_px`: as of `decode_picture`."""
        if header.harmless:
            return decode_picture(data, max_pixels=self.max_pixels, min_side_px=min_side_px)
        return self._decode_in_process(data, self._seconds(header), min_side_px)

    def divisor(self, header: Header, min_side_px: float) -> int:
        """Of the sides of a picture that is decoded with `min_side_px`."""
        return formats.reduction(header, max_pixels=self.max_pixels, min_side_px=min_side_px)

    def close(self) -> None:
        """Kills all processes; pictures and clips that are being decoded fail."""
        self.clips.close()
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.kill()
        for process in idle:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode_in_process(self, data: bytes, seconds: float, min_side_px: float) -> Picture:
        max_bytes = memory_bytes(self.max_pixels) // 4  # the rest is for the decoded picture
        if len(data) > max_bytes:
            raise ImageTooExpensive(
                f"the image's file has {len(data)} bytes, more than the limit of {max_bytes}"
                " (which grows with GEMEL_MAX_IMAGE_MEGAPIXELS)",
                measured=len(data),
                limit=max_bytes,
            )
        status = 0
        for _ in range(2):  # a second time, if the process was killed from outside
            process = self._take()
            try:
                picture = process.decode(data, seconds, min_side_px)
            except ProcessDied as death:
                self._drop(process)
                status = death.status
                _deaths.line(
                    logging.WARNING,
                    str(status),
                    "a decoder process ended with status %d",
                    status,
                )
                _raise_for(status, seconds)
            except InvalidInput:
                self._give_back(process)
                raise
            except BaseException:
                self._drop(process)
                raise
            else:
                self._give_back(process)
                return picture
        raise Busy(f"two decoder processes ended with status {status}")

    def _seconds(self, header: Header) -> float:
        megapixels = header.width * header.height / 1e6
        return min(self._max_seconds, _FIXED_SECONDS + _SECONDS_PER_MEGAPIXEL * megapixels)

    def _take(self) -> ProcessHandle:
        with self._lock:
            if self._closed:
                raise Busy("the server is shutting down")
            try:
                process = self._idle.pop() if self._idle else ProcessHandle(self.max_pixels)
            except OSError as error:  # no memory, or too many processes or open files
                raise Busy(f"cannot start a decoder process: {error.strerror}") from error
            self._busy.add(process)
            return process

    def _give_back(self, process: ProcessHandle) -> None:
        with self._lock:
            self._busy.discard(process)
            if not self._closed:
                self._idle.append(process)
                return
        process.close()

    def _drop(self, process: ProcessHandle) -> None:
        with self._lock:
            self._busy.discard(process)
        process.close()


def _raise_for(status: int, seconds: float) -> None:
    """Raises if the picture ended the process; returns if the process was killed from outside."""
    if status == -OVERRUN:
        raise ImageTooExpensive(
            f"decoding the image takes more than {seconds:.1f} s of processor time"
            " (GEMEL_MAX_DECODING_S is the limit for a large image)",
            limit=round(seconds, 1),
        )
    if -status in _CRASHES:
        raise UnreadableImage("the image is damaged: it crashed the decoder process")
