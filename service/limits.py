"""Turns away bodies that are too large: by their announced length at once, by their bytes as they come."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import UploadTooLarge
from service.errors import response

_MOST_DIGITS = 18
"""Of a Content-Length; longer ones are taken for this many, since Python refuses to read 5,000."""


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
