"""Turns away what is too much. Slots are for work, not for waiting: bodies are read before one is taken."""

import time

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Busy, GemelError, UnsupportedContentType, UploadTooLarge
from service.errors import gone, response
from service.middleware.access import OPEN
from service.middleware.path_prefix import route_path

_MOST_DIGITS = 18
"""Of a Content-Length; longer ones are taken for this many, since Python refuses to read 5,000."""
STUCK_SECONDS = 10.0
"""Without one answer, for which all slots must be taken until the process counts as not ready."""


class Slots:
    """How many requests are worked on, of how many at most. Used by the event loop's thread alone."""

    def __init__(self, most: int, *, stuck_seconds: float = STUCK_SECONDS) -> None:
        self.most = most
        self.stuck_seconds = stuck_seconds
        self._taken = 0
        self._moved_at = time.monotonic()

    def take(self) -> None:
        """Raises Busy."""
        if self._taken >= self.most:
            raise Busy(f"{self.most} requests are being worked on already")
        self._taken += 1
        self._moved_at = time.monotonic()

    def release(self) -> None:
        self._taken -= 1
        self._moved_at = time.monotonic()

    @property
    def stuck(self) -> bool:
        """Whether all are taken, and none has been released for long."""
        return self._taken >= self.most and time.monotonic() - self._moved_at > self.stuck_seconds


class Crowd:
    """ASGI middleware: works on so many requests at once, and tells the next to come again.

    A slot is free again once the answer begins: how fast the client reads it is not the work's concern.
    """

    def __init__(self, app: ASGIApp, *, slots: Slots) -> None:
        self._app = app
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in OPEN:
            await self._app(scope, receive, send)
            return
        try:
            self._slots.take()
        except Busy as error:
            await response(error)(scope, receive, send)
            return
        taken = True

        def release() -> None:
            nonlocal taken
            if taken:
                taken = False
                self._slots.release()

        async def releasing_send(message: Message) -> None:
            release()
            await send(message)

        try:
            await self._app(scope, receive, releasing_send)
        finally:
            release()


class _Upload:
    """A body on its way in, and what it takes of the memory for all."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.scope = anyio.CancelScope()


class BodyLimit:
    """ASGI middleware: reads the whole body, then passes the request on.

    All bodies together, until their requests are answered, take `memory_bytes` at most. For one that does
    not fit, the one that has been on its way for longest is given up, maybe itself.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, memory_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._memory_bytes = max(memory_bytes, max_bytes)
        self._used = 0
        self._uploads: dict[_Upload, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in OPEN:
            await self._app(scope, receive, send)
            return
        upload = _Upload()
        try:
            try:
                self._check_fields(dict(scope["headers"]))
                whole = await self._read(upload, receive)
            except GemelError as error:
                await response(error)(scope, receive, send)
                return
            if whole:
                await self._app(scope, _replayed(upload.chunks, receive), send)
            else:
                await gone()(scope, receive, send)
        finally:
            self._used -= upload.size

    def _check_fields(self, headers: dict[bytes, bytes]) -> None:
        """Raises UploadTooLarge, UnsupportedContentType."""
        coding = headers.get(b"content-encoding", b"identity").strip().lower()
        if coding not in (b"", b"identity"):
            raise UnsupportedContentType(
                "send the body as it is, without Content-Encoding: compressed bodies are not read"
            )
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit():
            size = int(announced) if len(announced) <= _MOST_DIGITS else 10**_MOST_DIGITS
            if size > self._max_bytes:
                raise self._too_large(size)

    async def _read(self, upload: _Upload, receive: Receive) -> bool:
        """False where the client has hung up. Raises UploadTooLarge, Busy."""
        self._uploads[upload] = None
        try:
            with upload.scope:
                while True:
                    message = await receive()
                    if upload.scope.cancel_called:
                        break
                    if message["type"] != "http.request":
                        return False
                    if chunk := message.get("body", b""):
                        self._take(upload, chunk)
                    if not message.get("more_body", False):
                        return True
            raise Busy("too many large bodies are on their way; this one has taken longest")
        finally:
            del self._uploads[upload]

    def _take(self, upload: _Upload, chunk: bytes) -> None:
        if upload.size + len(chunk) > self._max_bytes:
            raise self._too_large(upload.size + len(chunk))
        while self._used + len(chunk) > self._memory_bytes:
            slowest = next((other for other in self._uploads if other.size), upload)
            if slowest is upload:
                raise Busy("there is no memory for this request's body now")
            slowest.scope.cancel()
            self._used -= slowest.size
            slowest.size = 0
            slowest.chunks.clear()
        upload.chunks.append(chunk)
        upload.size += len(chunk)
        self._used += len(chunk)

    def _too_large(self, size: int) -> UploadTooLarge:
        return UploadTooLarge(
            f"the request's body has {size} bytes or more, the limit is {self._max_bytes}"
            " (GEMEL_MAX_UPLOAD_MB)",
            measured=size,
            limit=self._max_bytes,
        )


def _replayed(chunks: list[bytes], receive: Receive) -> Receive:
    """What `receive` gave, once; then what it gives."""
    chunks.reverse()
    ended = False

    async def replay() -> Message:
        nonlocal ended
        if ended:
            return await receive()
        chunk = chunks.pop() if chunks else b""
        ended = not chunks
        return {"type": "http.request", "body": chunk, "more_body": not ended}

    return replay
