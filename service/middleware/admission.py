"""Admission control: limits how many requests are worked on at once, and answers 503 to the others.

A request takes a slot after its body was read (see `body_limit`), so that slow uploads hold none.
"""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Busy
from service.errors import response
from service.middleware.access import OPEN
from service.middleware.path_prefix import route_path

STUCK_SECONDS = 10.0
"""If all slots have been taken for so long and no answer began, the process counts as not ready."""


class RequestSlots:
    """Counts the requests that are being worked on, up to a maximum. Used by the event loop's thread only."""

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
        """Whether all slots are taken and none was released for `stuck_seconds`."""
        return self._taken >= self.most and time.monotonic() - self._moved_at > self.stuck_seconds


class AdmissionControl:
    """ASGI middleware: passes on as many requests at once as there are slots, and answers 503 to the next.

    A slot is released when the answer begins: a client that reads slowly does not hold one.
    """

    def __init__(self, app: ASGIApp, *, slots: RequestSlots) -> None:
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
