"""Request ids: `X-Request-Id` as the client sent it, else a new one. Log lines and answers carry it."""

import re
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.logs import request_id

HEADER = "X-Request-Id"
_FIT = re.compile(rb"[A-Za-z0-9._~:+/=@-]{1,128}")
"""Accepted ids. Any other is replaced, because ids are written to logs."""


class RequestIds:
    """ASGI middleware: gives each request an id, and returns it with the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = [value for name, value in scope["headers"] if name == b"x-request-id"]
        fits = len(sent) == 1 and _FIT.fullmatch(sent[0])
        own = sent[0].decode() if fits else uuid4().hex
        # Not reset: log lines after the answer belong to this request too. Each request has its own context.
        request_id.set(own)

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = own
            await send(message)

        await self._app(scope, receive, with_id)
