"""A process that decodes one clip, as the server sees it."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import BaseModel

from indexer.errors import ClipTooExpensive, ClipTooLarge, UnreadableClip, UnsupportedClipFormat
from indexer.vision.clips.container import Container
from indexer.vision.clips.process import ANSWER, REQUEST, environment
from indexer.vision.clips.reading import ClipLimits
from indexer.vision.decoding.child_process import ChildProcess


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipPicture:
    """A frame of a clip, as a picture that `Decoder` decodes."""

    at_ms: int
    """Since the beginning of the clip."""
    data: bytes
    """PPM: pixels as they were decoded."""


class _Frame(BaseModel):
    at_ms: int
    shape: tuple[int, int, Literal[3]]


class _Frames(BaseModel):
    frames: list[_Frame]


class ClipProcess(ChildProcess):
    """Starts one process, for one clip. For one thread; another one may kill it."""

    rejections = (UnsupportedClipFormat, UnreadableClip, ClipTooLarge, ClipTooExpensive)

    def __init__(
        self, container: Container, limits: ClipLimits, *, module: str = "indexer.vision.clips.process"
    ) -> None:
        """Raises OSError."""
        self._limits = limits
        super().__init__(module, [json.dumps(asdict(limits))], environment(container))

    def read(self, data: bytes, seconds: float) -> list[ClipPicture]:
        """`seconds`: of processor time. Raises ProcessDied, Busy, Abandoned, InvalidInput."""
        with self.request(seconds, "the clip") as deadline:
            self.socket.send(REQUEST.pack(len(data), seconds), deadline)
            self.socket.send(data, deadline)
            [length] = ANSWER.unpack(self.receive(ANSWER.size, deadline))
            described = self.receive_answer(length, _Frames, deadline).frames
            if not 1 <= len(described) <= self._limits.max_frames:
                raise ValueError(f"the process answers with {len(described)} frames")
            return [self._receive_picture(frame, deadline) for frame in described]

    def _receive_picture(self, frame: _Frame, deadline: float) -> ClipPicture:
        height, width, _ = frame.shape
        if not (0 < height <= self._limits.max_side_px and 0 < width <= self._limits.max_side_px):
            raise ValueError("the process answers with more than it may")
        if not 0 <= frame.at_ms <= 1000 * self._limits.max_seconds:
            raise ValueError(f"the process answers with a frame at {frame.at_ms} ms")
        head = b"P6 %d %d 255\n" % (width, height)
        buffer = bytearray(head) + bytearray(height * width * 3)
        self.socket.receive_into(memoryview(buffer)[len(head) :], deadline)
        return ClipPicture(at_ms=frame.at_ms, data=bytes(buffer))
