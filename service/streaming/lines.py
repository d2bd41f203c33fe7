"""Reads a request's body line by line as it arrives, in a bounded share of the process's memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Receive

from indexer.errors import Busy, GemelError, UploadTooLarge


class Disconnected(Exception):
    """The client is gone."""


class Memory:
    """Of a process, for the lines of all its streams. Used by the event loop's thread only."""

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes

    def take(self, count: int) -> bool:
        if count > self._left:
            return False
        self._left -= count
        return True

    def free(self, count: int) -> None:
        self._left += count


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    number: int
    """From 1; blank lines count."""
    data: bytes
    problem: GemelError | None = None
    """Why there is no data: UploadTooLarge, Busy."""


class LineReader:
    """Whoever gets a line frees its memory: `len(line.data)`. `close` frees that of an unfinished line."""

    def __init__(
        self, receive: Receive, memory: Memory, *, max_bytes: int, wait: Callable[[], Awaitable[bool]]
    ) -> None:
        """`max_bytes`: of a line. `wait`: waits until one of the stream's lines is answered; False: none of
        them is left."""
        self._receive = receive
        self._memory = memory
        self._max_bytes = max_bytes
        self._wait = wait
        self._data = bytearray()  # of pieces of two bytes, a list would take twenty times as much
        self._skipped: int | None = None
        """Bytes of the line that is arriving, after a problem of which the stream knows already."""
        self._number = 1

    async def lines(self) -> AsyncIterator[Line]:
        """Without blank lines. A line with a problem comes before its end has arrived, and the rest of it is
        skipped. Raises Disconnected; UploadTooLarge where this rest is as long as the longest line."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Disconnected
            more = message.get("more_body", False)
            *ended, rest = message.get("body", b"").split(b"\n")
            for piece in ended:
                if problem := await self._add(piece):
                    yield problem
                if line := self._line():
                    yield line
            if problem := await self._add(rest):
                yield problem
        if line := self._line():
            yield line

    def close(self) -> None:
        self._memory.free(len(self._data))
        self._data = bytearray()

    async def _add(self, piece: bytes) -> Line | None:
        """The line, if it has a problem now."""
        if self._skipped is not None:
            self._skipped += len(piece)
            if self._skipped > self._max_bytes:
                raise UploadTooLarge(
                    f"line {self._number} does not end, after more than {2 * self._max_bytes} bytes",
                    limit=self._max_bytes,
                )
            return None
        if len(self._data) + len(piece) > self._max_bytes:
            return self._skip(
                UploadTooLarge(
                    f"the line has more than {self._max_bytes} bytes (GEMEL_MAX_UPLOAD_MB)",
                    limit=self._max_bytes,
                )
            )
        while not self._memory.take(len(piece)):
            if not await self._wait():
                return self._skip(Busy("no memory is left for this line: too many streams at once"))
        self._data += piece
        return None

    def _skip(self, problem: GemelError) -> Line:
        self.close()
        self._skipped = 0
        return Line(number=self._number, data=b"", problem=problem)

    def _line(self) -> Line | None:
        data, number, skipped = bytes(self._data), self._number, self._skipped
        self._data, self._skipped = bytearray(), None
        self._number += 1
        if skipped is not None:
            return None
        if not data.strip():
            self._memory.free(len(data))
            return None
        return Line(number=number, data=data)
