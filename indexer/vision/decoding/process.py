"""The process that decodes pictures from outside, so that one that takes too long can be killed.

It reads a picture's bytes from a socket, decodes them under a limit of processor time, and answers with a
piece of shared memory that has no name: it is freed when the last process that holds it lets go, however
that process ends. Imports no more than Pillow and NumPy.
"""

import fcntl
import json
import logging
import mmap
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from indexer.errors import GemelError, ImageTooExpensive
from indexer.types import Image
from indexer.vision.decoding.decode import decode_picture

REQUEST = struct.Struct("<Qd")
"""How many bytes the picture has, and how many seconds of processor time it may take."""
ANSWER = struct.Struct("<I")
"""How many bytes of JSON follow; pixels come as the file descriptor that is sent with it."""

OVERRUN = signal.SIGPROF
"""Ends the process when a picture has had its time."""

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
"""What the other side demands: memory that shrinks under a reader would end it."""

_NICENESS = 5
"""What is decoded in the server's own process, and all else there, comes first."""
_FIXED_MEMORY_BYTES = 256_000_000
_MEMORY_BYTES_PER_PIXEL = 24
"""Of the limit of pixels: Pillow's picture, its turned copy, the result, and what the decoder keeps."""


def memory_bytes(max_pixels: int) -> int:
    """What a process may take for a picture, the file included."""
    return _FIXED_MEMORY_BYTES + _MEMORY_BYTES_PER_PIXEL * max_pixels


@dataclass
class _SharedMemory:
    """Where a picture is decoded into."""

    descriptor: int = -1
    _map: mmap.mmap | None = field(default=None)

    def allocate(self, shape: tuple[int, int, int]) -> Image:
        self.descriptor = os.memfd_create("gemel-picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        size = shape[0] * shape[1] * shape[2]
        os.ftruncate(self.descriptor, size)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, SEALS)
        self._map = mmap.mmap(self.descriptor, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        return np.frombuffer(self._map, np.uint8).reshape(shape)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._map = None  # else the pixels would stay until the next picture


def serve(connection: socket.socket, max_pixels: int) -> None:
    """Decodes one picture after the other until the other side goes."""
    _silence_libraries()
    _limit_memory(max_pixels)
    threading.Thread(target=_end_with, args=(connection.fileno(),), daemon=True).start()
    while True:
        head = _received(connection, REQUEST.size)
        length, seconds = REQUEST.unpack(head)
        data = _received(connection, length)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # of processor time; its signal ends the process
        memory = _SharedMemory()
        answer = _decoded(bytes(data), max_pixels, memory)
        signal.setitimer(signal.ITIMER_PROF, 0)
        del data
        body = json.dumps(answer, default=str).encode()
        descriptors = [memory.descriptor] if "shape" in answer else []
        socket.send_fds(connection, [ANSWER.pack(len(body)) + body], descriptors)
        memory.close()


def _decoded(data: bytes, max_pixels: int, memory: _SharedMemory) -> dict[str, Any]:
    try:
        picture = decode_picture(data, max_pixels=max_pixels, allocate=memory.allocate)
    except GemelError as error:
        return {"code": error.code, "message": error.message, "details": error.details}
    except MemoryError:
        return {
            "code": ImageTooExpensive.code,
            "message": "decoding the image takes more memory than a picture is given",
            "details": {},
        }
    return {
        "shape": picture.pixels.shape,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
    }


def _received(connection: socket.socket, length: int) -> memoryview:
    buffer = memoryview(bytearray(length))
    at = 0
    while at < length:
        count = connection.recv_into(buffer[at:])
        if count == 0:
            os._exit(0)
        at += count
    return buffer


def _limit_memory(max_pixels: int) -> None:
    with open("/proc/self/statm") as file:
        in_use = int(file.read().split()[0]) * resource.getpagesize()
    _lower(resource.RLIMIT_AS, in_use + memory_bytes(max_pixels))
    _lower(resource.RLIMIT_CORE, 0)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _silence_libraries() -> None:
    """libtiff and Pillow write of each damaged file to standard error, where only faults belong."""
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    sys.stderr = os.fdopen(os.dup(2), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def _end_with(descriptor: int) -> None:
    """Ends this process when the other side has gone, also in the middle of a picture."""
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP | select.POLLHUP)
    poll.poll()
    os._exit(0)


def main() -> None:
    """Arguments: the socket's file descriptor, and the limit of pixels."""
    os.nice(_NICENESS)
    descriptor, max_pixels = int(sys.argv[1]), int(sys.argv[2])
    serve(socket.socket(fileno=descriptor), max_pixels)
