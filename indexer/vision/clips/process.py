"""The process that decodes one clip, and then ends.

FFmpeg's demuxers and decoders are large and read hostile bytes, so the kernel holds the process to what it
needs: it gets the bytes by a socket. From then on it can open no file and no connection, write no file, and
use no more memory and processor time than its limits.
"""

import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from typing import Any

import cv2

from indexer.errors import ClipTooExpensive, GemelError
from indexer.vision.clips.container import Container
from indexer.vision.clips.reading import ClipFrame, ClipLimits, read_frames

REQUEST = struct.Struct("<Qd")
"""Bytes of the clip, and its limit of processor time in seconds."""
ANSWER = struct.Struct("<I")
"""Bytes of JSON that follow, and after these the pixels of the frames."""
OVERRUN = signal.SIGPROF
"""Ends the process when a clip exceeds its processor time."""

_NICENESS = 5
_FIXED_MEMORY_BYTES = 300_000_000
_DECODED_BYTES_PER_PIXEL = 36
"""Of one frame: the reference frames of the codec, at 1.5 bytes a pixel, a copy in RGB, and its reduction."""


def memory_bytes(limits: ClipLimits, clip_bytes: int) -> int:
    """That the process may allocate beside what its libraries take."""
    kept = limits.max_frames * limits.max_side_px**2 * 3
    return _FIXED_MEMORY_BYTES + 3 * clip_bytes + kept + _DECODED_BYTES_PER_PIXEL * limits.max_pixels


def environment(container: Container) -> Mapping[str, str]:
    """Of the process: the options that OpenCV gives to FFmpeg. One demuxer, no protocol (it reads from
    memory), and no other format within the file."""
    options = {
        "input_format": container.value,
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2" if container is Container.MP4 else "matroska,webm",
        "protocol_whitelist": "none",
        "codec_whitelist": "h264,vp8,vp9,libvpx,libvpx-vp9",
    }
    return {
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": "|".join(f"{name};{value}" for name, value in options.items()),
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENBLAS_NUM_THREADS": "1",
    }


def serve(connection: socket.socket, limits: ClipLimits) -> None:
    cv2.setNumThreads(1)
    length, seconds = REQUEST.unpack(_receive(connection, REQUEST.size))
    data = bytes(_receive(connection, length))
    _silence_libraries()
    confine(memory_bytes(limits, length), seconds)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    answer, frames = _decode(data, limits)
    body = json.dumps(answer, default=str).encode()
    connection.sendall(ANSWER.pack(len(body)) + body)
    for frame in frames:
        connection.sendall(frame.pixels.data)


def _decode(data: bytes, limits: ClipLimits) -> tuple[dict[str, Any], list[ClipFrame]]:
    try:
        frames = read_frames(data, limits)
    except GemelError as error:
        return {"code": error.code, "message": error.message, "details": error.details}, []
    except MemoryError:
        message = "decoding the clip takes more memory than the limit"
        return {"code": ClipTooExpensive.code, "message": message, "details": {}}, []
    described = [{"at_ms": frame.at_ms, "shape": frame.pixels.shape} for frame in frames]
    return {"frames": described}, frames


def _receive(connection: socket.socket, length: int) -> memoryview:
    buffer = memoryview(bytearray(length))
    at = 0
    while at < length:
        count = connection.recv_into(buffer[at:])
        if count == 0:
            os._exit(0)
        at += count
    return buffer


def _silence_libraries() -> None:
    """FFmpeg reports each damaged file on standard error, which is for faults of Gemel."""
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)


def confine(max_bytes: int, seconds: float) -> None:
    """Limits this process for the rest of its life."""
    with open("/proc/self/statm") as file:
        in_use = int(file.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: in_use + max_bytes,
        resource.RLIMIT_CPU: int(seconds) + 10,  # if the signal of the timer were lost
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,  # those that are open stay; no file and no socket can be opened
    }
    for limit, value in limits.items():
        _, hard = resource.getrlimit(limit)
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (lower, lower))


def main() -> None:
    """Command line: the descriptor of the socket, and `ClipLimits` as JSON."""
    os.nice(_NICENESS)
    serve(socket.socket(fileno=int(sys.argv[1])), ClipLimits(**json.loads(sys.argv[2])))
