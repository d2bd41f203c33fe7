"""The server's end of a process that decodes one clip."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from indexer import errors
from indexer.errors import Busy
from indexer.vision.clips.container import Container
from indexer.vision.clips.process import ANSWER, REQUEST, environment
from indexer.vision.clips.reading import ClipLimits
from indexer.vision.decoding.process_handle import ProcessDied
from indexer.vision.decoding.process_socket import ProcessSocket

_WALL_FACTOR = 4.0
_START_SECONDS = 20.0
_MAX_JSON_BYTES = 100_000

_REJECTIONS = {
    error.code: error
    for error in (
        errors.UnsupportedClipFormat,
        errors.UnreadableClip,
        errors.ClipTooLarge,
        errors.ClipTooExpensive,
    )
}

_PROGRAM = "import sys; sys.path[:] = {path!r}; from indexer.vision.clips.process import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipPicture:
    """A frame of a clip, as a picture that `Decoder` decodes."""

    at_ms: int
    """Since the beginning of the clip."""
    data: bytes
    """PPM: pixels as they were decoded."""


class ClipProcess:
    """Starts one process, for one clip. For one thread; another one may kill it."""

    def __init__(self, container: Container, limits: ClipLimits) -> None:
        """Raises OSError."""
        self._limits = limits
        connection, its_end = socket.socketpair()
        self._socket = ProcessSocket(connection)
        with its_end:
            program = _PROGRAM.format(path=sys.path)
            self._process = subprocess.Popen(  # noqa: S603  (our own program)
                [sys.executable, "-c", program, str(its_end.fileno()), json.dumps(asdict(limits))],
                env=os.environ | environment(container),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its_end.fileno()],
                start_new_session=True,
            )

    def read(self, data: bytes, seconds: float) -> list[ClipPicture]:
        """`seconds`: of processor time. Raises ProcessDied, Busy, Abandoned, InvalidInput."""
        deadline = time.monotonic() + seconds * _WALL_FACTOR + _START_SECONDS
        try:
            self._socket.send(REQUEST.pack(len(data), seconds), deadline)
            self._socket.send(data, deadline)
            [length] = ANSWER.unpack(self._receive(ANSWER.size, deadline))
            if length > _MAX_JSON_BYTES:
                raise self._died()
            answer: dict[str, Any] = json.loads(self._receive(length, deadline))
            if "code" in answer:
                raise _REJECTIONS[answer["code"]](answer["message"], **answer["details"])
            described = answer["frames"][: self._limits.max_frames]
            return [self._receive_picture(one, deadline) for one in described]
        except TimeoutError:
            raise Busy("the machine was too busy to decode the clip in time") from None
        except (OSError, ValueError, KeyError):
            raise self._died() from None

    def kill(self) -> None:
        """Another thread may wait for an answer meanwhile; it gets ProcessDied."""
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.connection.close()

    def _receive(self, length: int, deadline: float) -> bytes:
        buffer = bytearray(length)
        self._socket.receive_into(memoryview(buffer), deadline)
        return bytes(buffer)

    def _receive_picture(self, described: dict[str, Any], deadline: float) -> ClipPicture:
        height, width, _ = (int(side) for side in described["shape"])
        if not (0 < height <= self._limits.max_side_px and 0 < width <= self._limits.max_side_px):
            raise ValueError("the process answers with more than it may")
        head = b"P6 %d %d 255\n" % (width, height)
        buffer = bytearray(head) + bytearray(height * width * 3)
        self._socket.receive_into(memoryview(buffer)[len(head) :], deadline)
        return ClipPicture(at_ms=int(described["at_ms"]), data=bytes(buffer))

    def _died(self) -> ProcessDied:
        try:
            status = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:  # it lives, but does not answer as it should
            status = -signal.SIGKILL
        return ProcessDied(status)
