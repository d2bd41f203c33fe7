"""Reads request bodies before any work begins, within a limit of memory for all of them together."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Busy, GemelError, UnsupportedContentType, UploadTooLarge
from service.errors import disconnected, response
from service.middleware.access.access import OPEN
from service.middleware.path_prefix import route_path

STREAMED = frozenset({"identify_stream"})
"""Operations that read their bodies themselves, while they answer, in bounded memory: `service.streaming`."""
STREAMS = "streams_body"
"""Key in the state of such a request: its body may take any time, as long as it arrives fast enough."""
_MAX_DIGITS = 18
"""Digits of a Content-Length. A longer one counts as 10**18: Python does not parse 5,000 digits."""
PIECE_BYTES = 256_000
"""Smaller pieces of a body are put together: each takes some 60 bytes besides, and clients choose them."""


class _Upload:
    """A request body while it arrives, and the memory that it takes."""

    def __init__(self) -> None:
        self.chunks: list[bytearray] = []
        self.size = 0
        self.scope = anyio.CancelScope()


class BodyLimit:
    """ASGI middleware: reads the whole body, then passes the request on.

    All bodies together take at most `memory_bytes` until their requests are answered. If the next chunk does
    not fit, the upload that has been arriving for longest is rejected with 503, even if it is this one.
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
        state = scope.get("state", {})
        operation = state.get("operation")
        if operation is not None and operation.operation_id in STREAMED:
            state[STREAMS] = True
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
                await disconnected()(scope, receive, send)
        finally:
            self._used -= upload.size

    def _check_fields(self, headers: dict[bytes, bytes]) -> None:
        """Raises UploadTooLarge, UnsupportedContentType."""
        coding = headers.get(b"content-encoding", b"identity").strip().lower()
        if coding not in (b"", b"identity"):
            raise UnsupportedContentType(
                "compressed bodies are not supported: send the body without Content-Encoding"
            )
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit():
            size = int(announced) if len(announced) <= _MAX_DIGITS else 10**_MAX_DIGITS
            if size > self._max_bytes:
                raise self._too_large(size)

    async def _read(self, upload: _Upload, receive: Receive) -> bool:
        """Whether the whole body arrived; False if the client disconnected. Raises UploadTooLarge, Busy."""
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
            raise Busy("too many large uploads at once; this one was the slowest and was dropped")
        finally:
            del self._uploads[upload]

    def _take(self, upload: _Upload, chunk: bytes) -> None:
        if upload.size + len(chunk) > self._max_bytes:
            raise self._too_large(upload.size + len(chunk))
        while self._used + len(chunk) > self._memory_bytes:
            slowest = next((other for other in self._uploads if other.size), upload)
            if slowest is upload:
                raise Busy("no memory is left for this request's body")
            slowest.scope.cancel()
            self._used -= slowest.size
            slowest.size = 0
            slowest.chunks.clear()
        if not upload.chunks or len(upload.chunks[-1]) >= PIECE_BYTES:
            upload.chunks.append(bytearray())
        upload.chunks[-1] += chunk
        upload.size += len(chunk)
        self._used += len(chunk)

    def _too_large(self, size: int) -> UploadTooLarge:
        return UploadTooLarge(
            f"the request's body has at least {size} bytes, the limit is {self._max_bytes}"
            " (GEMEL_MAX_UPLOAD_MB)",
            measured=size,
            limit=self._max_bytes,
        )


def _replayed(chunks: list[bytearray], receive: Receive) -> Receive:
    """A `receive` that returns the chunks that were read, and then passes on what follows."""
    chunks.reverse()
    ended = False

    async def replay() -> Message:
        nonlocal ended
        if ended:
            return await receive()
        chunk = bytes(chunks.pop()) if chunks else b""
        ended = not chunks
        return {"type": "http.request", "body": chunk, "more_body": not ended}

    return replay
