"""The server's end of a decoder process: sends a picture, waits for its pixels, notices its death."""

import fcntl
import json
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import numpy as np

from indexer import errors
from indexer.errors import Busy
from indexer.vision.decoding.decode import Picture
from indexer.vision.decoding.process import ANSWER, REQUEST, SEALS
from indexer.vision.decoding.process_socket import ProcessSocket

_WALL_FACTOR = 4.0
"""Wall time over processor time that a picture may take, on a machine that is busy with other work."""
_START_SECONDS = 20.0

_REJECTIONS = {
    error.code: error
    for error in (
        errors.UnsupportedImageFormat,
        errors.UnreadableImage,
        errors.ImageTooLarge,
        errors.ImageTooExpensive,
    )
}

_PROGRAM = "import sys; sys.path[:] = {path!r}; from indexer.vision.decoding.process import main; main()"


class ProcessDied(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
        """As in `subprocess`: a signal is negative."""


class ProcessHandle:
    """Starts one process. For one thread at a time."""

    def __init__(self, max_pixels: int) -> None:
        connection, its_end = socket.socketpair()
        self._socket = ProcessSocket(connection)
        with its_end:
            self._process = subprocess.Popen(  # noqa: S603  (our own program)
                [
                    sys.executable,
                    "-c",
                    _PROGRAM.format(path=sys.path),
                    str(its_end.fileno()),
                    str(max_pixels),
                ],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its_end.fileno()],
                start_new_session=True,  # Ctrl-C is for the server; the process ends when the socket closes
            )

    def decode(self, data: bytes, seconds: float, min_side_px: float) -> Picture:
        """Raises ProcessDied, Busy, Abandoned, InvalidInput."""
        deadline = time.monotonic() + seconds * _WALL_FACTOR + _START_SECONDS
        try:
            self._socket.send(REQUEST.pack(len(data), seconds, min_side_px), deadline)
            self._socket.send(data, deadline)
            self._socket.wait_for(select.POLLIN, deadline)
            head, descriptors, _, _ = socket.recv_fds(self._socket.connection, ANSWER.size, 1)
            return self._receive_picture(head, descriptors)
        except TimeoutError:
            raise Busy("the machine was too busy to decode the image in time") from None
        except OSError:
            raise self._died() from None

    def kill(self) -> None:
        """Another thread may wait for an answer meanwhile; it gets ProcessDied."""
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.connection.close()

    def _receive_picture(self, head: bytes, descriptors: list[int]) -> Picture:
        if len(head) < ANSWER.size:
            raise self._died()
        [length] = ANSWER.unpack(head)
        body = bytearray()
        while len(body) < length:
            part = self._socket.connection.recv(length - len(body))
            if not part:
                raise self._died()
            body += part
        answer: dict[str, Any] = json.loads(body)
        if "code" in answer:
            raise _REJECTIONS[answer["code"]](answer["message"], **answer["details"])
        [descriptor] = descriptors
        with open(descriptor, "r+b", buffering=0) as file:
            height, width, channels = answer["shape"]
            if fcntl.fcntl(file, fcntl.F_GET_SEALS) & SEALS != SEALS:
                raise self._died()
            memory = mmap.mmap(
                file.fileno(), height * width * channels, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE
            )
        return Picture(
            pixels=np.frombuffer(memory, np.uint8).reshape(height, width, channels),
            width_px=answer["width_px"],
            height_px=answer["height_px"],
            divisor=answer["divisor"],
        )

    def _died(self) -> ProcessDied:
        try:
            status = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:  # it lives, but has closed the socket
            status = -signal.SIGKILL
        return ProcessDied(status)
