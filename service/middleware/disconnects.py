"""Lets the code that works on a request stop when the client has disconnected."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.concurrency import abandoned_when


class DisconnectWatcher:
    """ASGI middleware. After a request has been read, waits for its client to disconnect.

    Code that runs in worker threads checks with `indexer.concurrency`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gone = asyncio.Event()
        listening: asyncio.Task[None] | None = None

        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        async def receive_body() -> Message:
            nonlocal listening
            if listening is not None:
                await gone.wait()
                return {"type": "http.disconnect"}
            message = await receive()
            if message["type"] == "http.disconnect":
                gone.set()
            elif not message.get("more_body", False):
                listening = asyncio.create_task(listen())
            return message

        try:
            with abandoned_when(gone.is_set):
                await self._app(scope, receive_body, send)
        finally:
            if listening is not None:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listening
