"""The decoder process: decodes pictures from outside, and can be killed if one takes too long.

It reads the bytes of a picture from a socket, decodes them under a limit of processor time, and answers with
the descriptor of anonymous shared memory. The kernel frees the memory when the last process closes it,
however that process ends. Imports no libraries but Pillow and NumPy.
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

REQUEST = struct.Struct("<Qdd")
"""Bytes of the picture, its limit of processor time in seconds, and `min_side_px` of `decode_picture`."""
ANSWER = struct.Struct("<I")
"""Bytes of JSON that follow. The pixels are in the file descriptor that is sent along."""

OVERRUN = signal.SIGPROF
"""Ends the process when a picture exceeds its processor time."""

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
"""The server demands them: if the memory shrank, reading it would kill the server (SIGBUS)."""

_NICENESS = 5
"""The server's own work comes first."""
_FIXED_MEMORY_BYTES = 256_000_000
_MEMORY_BYTES_PER_PIXEL = 24
"""Per pixel of the limit: Pillow's picture, its rotated copy, the result, and the codec's buffers."""


def memory_bytes(max_pixels: int) -> int:
    """Memory that a process may allocate for a picture, its file included."""
    return _FIXED_MEMORY_BYTES + _MEMORY_BYTES_PER_PIXEL * max_pixels


@dataclass
class _SharedMemory:
    """The memory that a picture is decoded into."""

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
        self._map = None  # or the pixels would stay until the next picture


def serve(connection: socket.socket, max_pixels: int) -> None:
    """Decodes one picture after another, until the server closes the socket."""
    _silence_libraries()
    _limit_memory(max_pixels)
    threading.Thread(target=_exit_with_server, args=(connection.fileno(),), daemon=True).start()
    while True:
        head = _receive(connection, REQUEST.size)
        length, seconds, min_side_px = REQUEST.unpack(head)
        data = _receive(connection, length)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # processor time; its signal ends the process
        memory = _SharedMemory()
        answer = _decode(bytes(data), max_pixels, min_side_px, memory)
        signal.setitimer(signal.ITIMER_PROF, 0)
        del data
        body = json.dumps(answer, default=str).encode()
        descriptors = [memory.descriptor] if "shape" in answer else []
        socket.send_fds(connection, [ANSWER.pack(len(body)) + body], descriptors)
        memory.close()


def _decode(data: bytes, max_pixels: int, min_side_px: float, memory: _SharedMemory) -> dict[str, Any]:
    try:
        picture = decode_picture(
            data, max_pixels=max_pixels, min_side_px=min_side_px, allocate=memory.allocate
        )
    except GemelError as error:
        return {"code": error.code, "message": error.message, "details": error.details}
    except MemoryError:
        return {
            "code": ImageTooExpensive.code,
            "message": "decoding the image takes more memory than the limit",
            "details": {},
        }
    return {
        "shape": picture.pixels.shape,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "divisor": picture.divisor,
    }


def _receive(connection: socket.socket, length: int) -> memoryview:
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
    """libtiff and Pillow report each damaged file on standard error, which is for faults of Gemel."""
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    sys.stderr = os.fdopen(os.dup(2), "w")
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)


def _exit_with_server(descriptor: int) -> None:
    """Ends this process when the server closes the socket or dies, even in the middle of a picture."""
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP | select.POLLHUP)
    poll.poll()
    os._exit(0)


def main() -> None:
    """Command line: the descriptor of the socket, and the limit of pixels."""
    os.nice(_NICENESS)
    descriptor, max_pixels = int(sys.argv[1]), int(sys.argv[2])
    serve(socket.socket(fileno=descriptor), max_pixels)
