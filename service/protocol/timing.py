"""Time limits of a connection: for a header block, for a body, and for an answer that is not read."""

import asyncio
from enum import Enum
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from indexer.errors import Busy, RequestTooSlow
from service.middleware.body_limit import STREAMS
from service.protocol.closing import ClosingProtocol, Phase
from service.protocol.connections import Connections
from service.protocol.message_size import MessageSize

BODY_BYTES_PER_SECOND = 2_000
BODY_WINDOWS = 10
SHUTDOWN_SECONDS = 5.0
"""Time for bodies that are still arriving when the server is stopping."""


class _State(Enum):
    IDLE = "no byte of a request"
    HEAD = "a part of a header block"
    BODY = "a part of a body"
    WORKING = "all of a request that is not answered yet"


class TimedProtocol(ClosingProtocol):
    """`_size` and `_messages` are kept by the class that reads the messages."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open: Connections = app_state["connections"]
        self._messages = 0
        """Requests that have arrived completely."""
        self._size = MessageSize()
        """Of the request that is arriving."""
        self._situation: tuple[_State, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._window = self._window_bytes = 0
        self._was_paused = False
        """Whether reading was paused at some time in the window."""

    def make_room(self) -> None:
        idle = self._situation is not None and self._situation[0] is _State.IDLE and self._messages > 0
        if not idle and self._can_answer():
            self._write(Busy("too many connections are open"))
        self._close()

    def shutdown(self) -> None:
        super().shutdown()
        if not self.transport.is_closing() and self._state() is _State.BODY:
            self._cancel_timer()
            self._timer = self.loop.call_later(SHUTDOWN_SECONDS, self._reject, Busy("the server is stopping"))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_after(self._open.limits.body_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not (self._finished or self.transport.is_closing()):
            self._cancel_abort()

    def _state(self) -> _State:
        if self._phase is Phase.BODY:
            return _State.BODY
        if self.cycle is not None and not self.cycle.response_complete:
            return _State.WORKING
        if self._phase is Phase.HEAD or self._size.unreported_bytes:
            return _State.HEAD
        return _State.IDLE

    def _watch(self) -> None:
        """Sets the time limit for what the connection is waiting for."""
        state = self._state()
        if self._situation == (state, self._messages):
            return
        self._situation = (state, self._messages)
        self._cancel_timer()
        limits = self._open.limits
        if state is _State.WORKING:
            self._open.keep(self)
        elif state is _State.BODY:
            self._open.upload(self)
            self._window = self._window_bytes = 0
            self._timer = self.loop.call_later(limits.body_seconds, self._window_ended)
        elif state is _State.HEAD or self._messages == 0:
            self._open.wait(self)
            self._timer = self.loop.call_later(limits.head_seconds, self._too_slow)
        else:
            self._open.wait(self)
            self._timer = self.loop.call_later(self.timeout_keep_alive, self._too_slow)

    def _too_slow(self) -> None:
        if self._state() is _State.IDLE:
            self._close()
        else:
            seconds = self._open.limits.head_seconds
            self._reject(
                RequestTooSlow(f"the request's header fields took more than {seconds:g} s", limit=seconds)
            )

    def _window_ended(self) -> None:
        """Rejects a body that brings too few bytes in a window, or takes more than ten, unless it is a
        stream's."""
        seconds = self._open.limits.body_seconds
        received, self._window_bytes = self._size.body_bytes - self._window_bytes, self._size.body_bytes
        streams = self._streams()
        if streams:  # it is being worked on, and may take as long as its client sends
            self._open.keep(self)
        was_paused, self._was_paused = self._was_paused, self.flow.read_paused
        # While reading is paused, the server is the slow side.
        if not (self.flow.read_paused or (streams and was_paused)):
            self._window += not streams
            if received < seconds * BODY_BYTES_PER_SECOND or self._window >= BODY_WINDOWS:
                self._reject(
                    RequestTooSlow("the request's body arrives too slowly", received=self._size.body_bytes)
                )
                return
        self._timer = self.loop.call_later(seconds, self._window_ended)

    def _streams(self) -> bool:
        """Whether the body that is arriving, or arrived last, may take any time."""
        return bool(self.scope["state"].get(STREAMS, False))

    def _end(self) -> None:
        super()._end()
        self._open.keep(self)
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
