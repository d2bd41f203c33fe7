"""Ends a connection from the server's side so that the client still receives the last answer."""

import asyncio
from enum import Enum
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from indexer.errors import GemelError
from service.errors import response

LINGER_SECONDS = 2.0
LINGER_BYTES = 1_000_000
"""How long and how much an ended connection is still read: else the answer may be lost (RFC 9112, 9.6)."""


class Phase(Enum):
    """The parser's position in a message."""

    BEGIN = "before the next message"
    HEAD = "in its header block"
    BODY = "after its header block"


class ClosingProtocol(HttpToolsProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._phase = Phase.BEGIN
        self._running: RequestResponseCycle | None = None
        """The request that is being answered; `cycle` is the newest request."""
        self._ended = False
        """Whether incoming data is discarded."""
        self._finished = False
        """Whether the last answer was written; the connection is aborted soon."""
        self._late_bytes_left: float = LINGER_BYTES
        self._abort_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._cancel_abort()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._abort_after(LINGER_SECONDS)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _close(self) -> None:
        self._end()
        self.transport.close()
        self._abort_after(LINGER_SECONDS)

    def _discard(self, data: bytes) -> None:
        self._late_bytes_left -= len(data)
        if self._late_bytes_left < 0:
            self.transport.abort()

    def _can_answer(self) -> bool:
        """Whether the next answer belongs to the request that is still arriving."""
        if self.transport.is_closing() or self.pipeline:
            return False
        if self.cycle is None or self.cycle.response_complete:
            return self._phase is not Phase.BODY
        return self._phase is Phase.BODY and not self.cycle.response_started

    def _owes_answers(self) -> bool:
        """Whether complete requests are still waiting for their answers."""
        if self.transport.is_closing() or self._phase is Phase.BODY or self.cycle is None:
            return False
        return not self.cycle.response_complete

    def _reject(self, error: GemelError) -> None:
        """Answers in place of the application, unless it has begun to answer, and ends the connection.

        Earlier requests are answered first, and nothing after them.
        """
        if self._ended:
            return
        answers = self._can_answer()
        self._end()
        if self._owes_answers():
            self.cycle.keep_alive = False
            return
        if not answers:
            self.transport.abort()
            return
        self._write(error)
        self._finish(LINGER_SECONDS, LINGER_BYTES)

    def _finish(self, seconds: float, late_bytes: float) -> None:
        """Nothing is answered after what was written. The client may send so many bytes more in this time,
        which are discarded."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._finished = True
        self._late_bytes_left = late_bytes
        self._abort_after(seconds)

    def _write(self, error: GemelError) -> None:
        answer = response(error)
        lines = [STATUS_LINE[answer.status_code], *(b"%b: %b\r\n" % field for field in answer.raw_headers)]
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", bytes(answer.body)]))

    def _end(self) -> None:
        """Stops reading, and reports the client as disconnected to the application."""
        if self._phase is Phase.BODY and self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._ended = True
        self._unset_keepalive_if_required()

    def _abort_after(self, seconds: float) -> None:
        self._cancel_abort()
        self._abort_timer = self.loop.call_later(seconds, self.transport.abort)

    def _cancel_abort(self) -> None:
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None
