"""A decoder process, as the server sees it: sends a picture, waits for its pixels."""

import fcntl
import mmap
import os
import select
import socket
from typing import Literal

import numpy as np
from pydantic import BaseModel

from indexer.errors import ImageTooExpensive, ImageTooLarge, UnreadableImage, UnsupportedImageFormat
from indexer.vision.decoding.child_process import ChildProcess
from indexer.vision.decoding.decode import Picture
from indexer.vision.decoding.formats import MAX_SIDE_PX
from indexer.vision.decoding.process import ANSWER, REQUEST, SEALS


class _Decoded(BaseModel):
    shape: tuple[int, int, Literal[3]]
    width_px: int
    height_px: int
    divisor: Literal[1, 2, 4, 8]

    def check(self, max_pixels: int) -> None:
        """Raises ValueError if no picture that is decoded within `max_pixels` has these sizes."""
        height, width, _ = self.shape
        if not (0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX and height * width <= max_pixels):
            raise ValueError("the process answers with more pixels than it may, or with none")
        if not (0 < self.height_px <= height * self.divisor and 0 < self.width_px <= width * self.divisor):
            raise ValueError("the process answers with a file of another size than its picture")


class ProcessHandle(ChildProcess):
    """Starts one process. For one thread at a time."""

    rejections = (UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive)

    def __init__(self, max_pixels: int, *, module: str = "indexer.vision.decoding.process") -> None:
        """`max_pixels`: of a decoded picture. Raises OSError."""
        self._max_pixels = max_pixels
        super().__init__(module, [str(max_pixels)], {"OPENBLAS_NUM_THREADS": "1"})

    def decode(self, data: bytes, seconds: float, min_side_px: float) -> Picture:
        """Raises ProcessDied, Busy, Abandoned, InvalidInput."""
        with self.request(seconds, "the image") as deadline:
            self.socket.send(REQUEST.pack(len(data), seconds, min_side_px), deadline)
            self.socket.send(data, deadline)
            self.socket.wait_for(select.POLLIN, deadline)
            head, descriptors, _, _ = socket.recv_fds(self.socket.connection, ANSWER.size, 1)
            try:
                return self._picture(head, descriptors, deadline)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)

    def _picture(self, head: bytes, descriptors: list[int], deadline: float) -> Picture:
        if len(head) < ANSWER.size:
            raise ConnectionResetError("the process has closed its socket")
        [length] = ANSWER.unpack(head)
        decoded = self.receive_answer(length, _Decoded, deadline)
        decoded.check(self._max_pixels)  # before any memory is mapped: the kernel allocates all of it then
        height, width, channels = decoded.shape
        [descriptor] = descriptors
        if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALS != SEALS:
            raise ValueError("the memory with the pixels may shrink")
        memory = mmap.mmap(descriptor, height * width * channels, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        return Picture(
            pixels=np.frombuffer(memory, np.uint8).reshape(height, width, channels),
            width_px=decoded.width_px,
            height_px=decoded.height_px,
            divisor=decoded.divisor,
        )
