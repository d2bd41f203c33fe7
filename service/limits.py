"""Turns away what is too much: bodies that are too large, requests beyond those that can wait."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Busy, UploadTooLarge
from service.access import OPEN
from service.errors import response

_MOST_DIGITS = 18
"""Of a Content-Length; longer ones are taken for this many, since Python refuses to read 5,000."""


class Crowd:
    """ASGI middleware: holds so many requests at once, and tells the next to come again."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
        elif self._inside >= self._most:
            await response(Busy(f"{self._most} requests are being worked on already"))(scope, receive, send)
        else:
            self._inside += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._inside -= 1


class BodyLimit:
    """ASGI middleware. A body without Content-Length is cut off where it passes the limit."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit():
            size = int(announced) if len(announced) <= _MOST_DIGITS else 10**_MOST_DIGITS
            if size > self._max_bytes:
                await response(self._too_large(size))(scope, receive, send)
                return

        received = 0
        started = False

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large(received)
            return message

        async def watching_send(message: Message) -> None:
            nonlocal started
            if received > self._max_bytes and not started:
                return  # whatever the app makes of the broken-off body: 413 is the answer
            started = True
            await send(message)

        with suppress(UploadTooLarge):
            await self._app(scope, counting_receive, watching_send)
        if received > self._max_bytes and not started:
            await response(self._too_large(received))(scope, receive, send)

    def _too_large(self, size: int) -> UploadTooLarge:
        return UploadTooLarge(
            f"the request's body has {size} bytes or more, the limit is {self._max_bytes}",
            measured=size,
            limit=self._max_bytes,
        )
