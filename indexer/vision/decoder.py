"""Decodes pictures from outside in processes that can be killed: bounded in time and in memory."""

import fcntl
import json
import logging
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import numpy as np

from indexer import errors
from indexer.errors import Busy, ImageTooExpensive, InvalidInput, UnreadableImage
from indexer.turns import Turns, raise_if_abandoned
from indexer.vision import formats
from indexer.vision.decode import Picture, decode_picture
from indexer.vision.decoder_process import ANSWER, OVERRUN, REQUEST, SEALS
from indexer.vision.formats.header import Header

log = logging.getLogger(__name__)

_FIXED_SECONDS = 2.0
_SECONDS_PER_MEGAPIXEL = 0.15
"""Of processor time, up to the limit that is set: a small picture is not given what a large one may need."""
_WALL_FACTOR = 4.0
"""How many times its processor time a picture may take on a machine that is busy with other work."""
_POLL_SECONDS = 0.2
_START_SECONDS = 20.0

_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}
_REJECTIONS = {
    error.code: error
    for error in (
        errors.UnsupportedImageFormat,
        errors.UnreadableImage,
        errors.ImageTooLarge,
        errors.ImageTooExpensive,
    )
}

_PROGRAM = "import sys; sys.path[:] = {path!r}; from indexer.vision.decoder_process import main; main()"


class Decoder:
    """Decodes in this process what its header proves harmless, all else in one of a few others.

    Each of them decodes one picture at a time. They are started when they are needed; one that overruns a
    limit is killed, and another takes its place. Safe to call from several threads.
    """

    def __init__(
        self,
        *,
        max_pixels: int,
        max_seconds: float = 10.0,
        processes: int = 2,
        patience_seconds: float | None = None,
        most_callers: int | None = None,
    ) -> None:
        """`max_seconds`: of processor time, for the largest picture. `patience_seconds`: how long a picture
        waits for a process, None for ever. `most_callers`: how many threads may use or await a process, so
        that the other threads are there for what needs none; None is without a limit."""
        self.max_pixels = max_pixels
        self._max_seconds = max_seconds
        self._turns = Turns(
            processes,
            purpose="process that decodes pictures",
            patience_seconds=patience_seconds,
            most_with_waiting=most_callers,
        )
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._closed = False
        self._lock = threading.Lock()

    def inspect(self, data: bytes) -> Header:
        """What the picture says of itself. Raises what `decode` does, except Busy."""
        return formats.inspect(data, max_pixels=self.max_pixels)

    def decode(self, data: bytes) -> Picture:
        """Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive, Busy (no process
        is free, the machine has no time, or somebody kills the processes), Abandoned.
        """
        header = self.inspect(data)
        with self.turn(header):
            return self.decode_in_turn(data, header)

    def turn(self, header: Header) -> AbstractContextManager[None]:
        """To be held while the picture is decoded, and better until its pixels are no more needed: they take
        memory. Raises Busy, Abandoned."""
        return nullcontext() if header.harmless else self._turns.turn()

    def decode_in_turn(self, data: bytes, header: Header) -> Picture:
        """As `decode`, for who holds the `turn`."""
        if header.harmless:
            return decode_picture(data, max_pixels=self.max_pixels)
        return self._decode_outside(data, self._seconds(header))

    def close(self) -> None:
        """Ends all processes; a picture that is being decoded fails."""
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

    def _decode_outside(self, data: bytes, seconds: float) -> Picture:
        status = 0
        for _ in range(2):  # once more, where a process was killed by somebody else
            process = self._take()
            try:
                picture = process.decode(data, seconds)
            except _Died as death:
                self._drop(process)
                status = death.status
                log.warning("a process that decodes pictures ended with status %d", status)
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
        raise Busy(f"the process that decodes pictures has ended twice, with status {status}")

    def _seconds(self, header: Header) -> float:
        megapixels = header.width * header.height / 1e6
        return min(self._max_seconds, _FIXED_SECONDS + _SECONDS_PER_MEGAPIXEL * megapixels)

    def _take(self) -> "_Process":
        with self._lock:
            if self._closed:
                raise Busy("the server is shutting down")
            try:
                process = self._idle.pop() if self._idle else _Process(self.max_pixels)
            except OSError as error:  # no memory, or too many processes or files
                raise Busy(f"no process can be started to decode pictures: {error.strerror}") from error
            self._busy.add(process)
            return process

    def _give_back(self, process: "_Process") -> None:
        with self._lock:
            self._busy.discard(process)
            if not self._closed:
                self._idle.append(process)
                return
        process.close()

    def _drop(self, process: "_Process") -> None:
        with self._lock:
            self._busy.discard(process)
        process.close()


class _Died(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
        """As `subprocess` tells it: the signal is negative."""


def _raise_for(status: int, seconds: float) -> None:
    """Of a picture that ended its process; returns where it was somebody else who did."""
    if status == -OVERRUN:
        raise ImageTooExpensive(
            f"decoding the image takes more than {seconds:.1f} s of processor time"
            " (GEMEL_MAX_DECODING_S sets the most for a large one)",
            limit=round(seconds, 1),
        )
    if -status in _CRASHES:
        raise UnreadableImage("the image is damaged: it crashed the process that decoded it")


class _Process:
    """The near end of one process. Used by one thread at a time."""

    def __init__(self, max_pixels: int) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603  (our own program)
                [sys.executable, "-c", _PROGRAM.format(path=sys.path), str(theirs.fileno()), str(max_pixels)],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for its parent, whose end it sees by the socket
            )

    def decode(self, data: bytes, seconds: float) -> Picture:
        """Raises _Died, Busy, Abandoned, InvalidInput."""
        deadline = time.monotonic() + seconds * _WALL_FACTOR + _START_SECONDS
        try:
            self._send(REQUEST.pack(len(data), seconds), deadline)
            self._send(data, deadline)
            self._wait(select.POLLIN, deadline)
            head, descriptors, _, _ = socket.recv_fds(self._socket, ANSWER.size, 1)
            return self._answer(head, descriptors)
        except TimeoutError:
            raise Busy("the machine has had no time to decode the image") from None
        except OSError:
            raise self._death() from None

    def kill(self) -> None:
        """May be called while another thread waits for an answer, which then is told of the death."""
        self._child.kill()

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        self._socket.close()

    def _send(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(select.POLLOUT, deadline)
            rest = rest[self._socket.send(rest, socket.MSG_DONTWAIT) :]

    def _wait(self, event: int, deadline: float) -> None:
        """Until the socket is ready. Raises TimeoutError, Abandoned."""
        poll = select.poll()
        poll.register(self._socket, event)
        while not poll.poll(_POLL_SECONDS * 1e3):
            raise_if_abandoned()
            if time.monotonic() > deadline:
                raise TimeoutError

    def _answer(self, head: bytes, descriptors: list[int]) -> Picture:
        if len(head) < ANSWER.size:
            raise self._death()
        [length] = ANSWER.unpack(head)
        body = bytearray()
        while len(body) < length:
            part = self._socket.recv(length - len(body))
            if not part:
                raise self._death()
            body += part
        answer: dict[str, Any] = json.loads(body)
        if "code" in answer:
            raise _REJECTIONS[answer["code"]](answer["message"], **answer["details"])
        [descriptor] = descriptors
        with open(descriptor, "r+b", buffering=0) as file:
            height, width, channels = answer["shape"]
            if fcntl.fcntl(file, fcntl.F_GET_SEALS) & SEALS != SEALS:
                raise self._death()
            memory = mmap.mmap(
                file.fileno(), height * width * channels, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE
            )
        return Picture(
            pixels=np.frombuffer(memory, np.uint8).reshape(height, width, channels),
            width_px=answer["width_px"],
            height_px=answer["height_px"],
        )

    def _death(self) -> _Died:
        try:
            status = self._child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:  # it lives, and has lost its end of the socket
            status = -signal.SIGKILL
        return _Died(status)
