"""Admission control: limits how many requests are worked on at once, and answers 503 to the others.

A request takes a slot after its body was read (see `body_limit`), so that slow uploads hold none. Where there
is no slot, it is rejected before its body is read.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Busy
from service.errors import response
from service.middleware.access.access import OPEN
from service.middleware.overload import OverloadDetector
from service.middleware.path_prefix import route_path

log = logging.getLogger(__name__)

STUCK_SECONDS = 10.0
"""If all slots have been taken for so long and no answer began, the process counts as not ready."""
SPARE_SECONDS = 1.0
"""Most seconds for which a picture of a stream lets every request go first; then it joins their queue."""
ALWAYS_ADMITTED = OPEN | {"/metrics"}


class RequestSlots:
    """The requests that are worked on and those that wait, up to a maximum, which is low during overload.

    Used by the event loop's thread only.
    """

    def __init__(
        self,
        most: int,
        *,
        threads: int | None = None,
        most_overloaded: int | None = None,
        stuck_seconds: float = STUCK_SECONDS,
        overload: OverloadDetector | None = None,
    ) -> None:
        """`threads`: requests that are worked on at once; None: all. `most_overloaded`: requests during
        overload; None: as many as without it."""
        self.most = most
        self.stuck_seconds = stuck_seconds
        self._threads = threads or most
        self._most_overloaded = min(most_overloaded or most, most)
        self._overload = overload or OverloadDetector()
        self._working = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._spare: deque[asyncio.Future[None]] = deque()
        self._parts = 0
        """Pictures of streams among those that are worked on."""
        self._shedding = False
        self._moved_at = time.monotonic()

    def check(self) -> None:
        """Raises Busy if a request that arrives now cannot be admitted."""
        if self._taken >= self._limit():
            self._overload.count(rejected=True)
            raise self._busy()

    async def take(self) -> None:
        """Waits until a request that has arrived may be worked on. Raises Busy."""
        rejected = self._taken >= self._limit()
        self._overload.count(rejected=rejected)
        if rejected:
            raise self._busy()
        self._moved_at = time.monotonic()
        if self._working < self._threads:
            self._working += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):  # its turn came in the same moment
                    self._waiting.remove(turn)
            elif turn.exception() is None:
                self.release()
            raise

    async def take_spare(self) -> None:
        """Waits until a picture of a stream may be worked on: for a slot for which no request waits. After
        `SPARE_SECONDS` it joins the queue of requests, but the overload detector does not count it as an
        arrival. Raises Busy where the queue is emptied because of overload; then try again."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._spare.append(turn)
        self._hand_out()
        promotion = loop.call_later(SPARE_SECONDS, self._promote, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                for queue in (self._spare, self._waiting):
                    with contextlib.suppress(ValueError):
                        queue.remove(turn)
            elif turn.exception() is None:
                self.release()
            raise
        finally:
            promotion.cancel()
        self._parts += 1

    def release_spare(self) -> None:
        """Gives back a slot that `take_spare` gave."""
        self._parts -= 1
        self.release()

    def _promote(self, turn: asyncio.Future[None]) -> None:
        with contextlib.suppress(ValueError):
            self._spare.remove(turn)
            self._waiting.append(turn)
            self._hand_out()

    def release(self) -> None:
        self._moved_at = time.monotonic()
        self._overload.count_completed()
        self._working -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        """Gives free slots to the requests that wait, and those that remain to pictures of streams."""
        most = min(self._threads, self._limit())
        for queue, limit in ((self._waiting, self._threads), (self._spare, most)):
            while queue and self._working < limit:
                turn = queue.popleft()
                if not turn.done():
                    self._working += 1
                    turn.set_result(None)

    @property
    def working(self) -> int:
        """Requests that are worked on now. Any thread may read it."""
        return self._working

    @property
    def stuck(self) -> bool:
        """Whether all slots are taken and none was released for `stuck_seconds`."""
        return self._taken >= self._limit() and time.monotonic() - self._moved_at > self.stuck_seconds

    @property
    def _taken(self) -> int:
        """Without the pictures of streams: no request is rejected because of them."""
        return self._working - self._parts + len(self._waiting)

    def _limit(self) -> int:
        overloaded = self._overload.overloaded
        if overloaded != self._shedding:
            self._shedding = overloaded
            if overloaded:
                log.warning(
                    "overloaded: from now on %d requests are admitted at once, the others get 503",
                    self._most_overloaded,
                )
                self._reject_waiting()
            else:
                log.warning("no longer overloaded")
        return self._most_overloaded if overloaded else self.most

    def _reject_waiting(self) -> None:
        """Rejects the requests that wait: their answers would come late."""
        while self._waiting and self._taken > self._most_overloaded:
            turn = self._waiting.pop()
            if not turn.done():
                turn.set_exception(self._busy())

    def _busy(self) -> Busy:
        if self._shedding:
            return Busy("the server is overloaded: more requests arrive than it can answer")
        return Busy(f"{self.most} requests are being worked on already")


class EarlyRejection:
    """ASGI middleware: answers 503 before the body is read if there is no slot."""

    def __init__(self, app: ASGIApp, *, slots: RequestSlots) -> None:
        self._app = app
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and route_path(scope) not in ALWAYS_ADMITTED:
            try:
                self._slots.check()
            except Busy as error:
                await response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class AdmissionControl:
    """ASGI middleware: passes on as many requests at once as there are slots, and answers 503 to the next.

    A slot is released when the answer begins: a client that reads slowly does not hold one.
    """

    def __init__(self, app: ASGIApp, *, slots: RequestSlots) -> None:
        self._app = app
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in ALWAYS_ADMITTED:
            await self._app(scope, receive, send)
            return
        try:
            await self._slots.take()
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
