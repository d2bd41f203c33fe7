"""HTTP/1.1 as uvicorn speaks it with httptools, with a bound on everything that comes before a request.

Neither of the two has one: a header block without end is collected for ever, and a connection that sends
nothing stays. Why not another server: docs/decisions/0011-bounds-before-authentication.md.
"""

import asyncio
import re
from enum import Enum
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from indexer.errors import Busy, GemelError, MalformedRequest, RequestTooSlow
from service.connections import Connections
from service.errors import response
from service.message_size import MAX_FIELDS, MessageSize

MAX_PIPELINED = 32
"""Requests sent before the first is answered; with more the connection ends after their answers."""
BODY_BYTES_PER_SECOND = 2_000
BODY_WINDOWS = 10
PIECE_BYTES = 4_096
"""The parser is fed so much at a time, so that bounds are exact to this."""
SHUTDOWN_SECONDS = 5.0
"""In which bodies that are on their way must arrive once the server is asked to stop."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 1_000_000
"""For which an ended connection is still read: else the answer may be lost (RFC 9112, 9.6)."""

_ABSOLUTE_TARGET = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class _Phase(Enum):
    BEGIN = "nothing of the next message"
    HEAD = "in its header block"
    BODY = "after its header block"


class _State(Enum):
    IDLE = "no byte of a request"
    HEAD = "a part of a header block"
    BODY = "a part of a body"
    WORKING = "all of a request that is not answered yet"


class BoundedProtocol(HttpToolsProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open: Connections = app_state["connections"]
        self._phase = _Phase.BEGIN
        self._messages = 0
        self._ended = False
        """Whether nothing that still comes is read."""
        self._size = MessageSize()
        self._situation: tuple[_State, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._window = 0
        self._window_bytes = 0
        self._abort_timer: asyncio.TimerHandle | None = None
        self._late_bytes = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._follow()
        if len(self.connections) > self._open.limits.max_connections and not self._open.make_room_for(self):
            self.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._cancel_abort()
        super().connection_lost(exc)

    def make_room(self) -> None:
        idle = self._situation is not None and self._situation[0] is _State.IDLE and self._messages > 0
        if not idle and self._can_answer():
            self._write(Busy("too many connections are open"))
        self._end()
        self.transport.close()
        self._abort_after(LINGER_SECONDS)

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._abort_after(LINGER_SECONDS)
        elif self._state() is _State.BODY:
            self._cancel_timer()
            self._timer = self.loop.call_later(SHUTDOWN_SECONDS, self._reject, Busy("the server is stopping"))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_after(self._open.limits.body_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._cancel_abort()

    # What comes

    def data_received(self, data: bytes) -> None:
        if self._ended:
            self._late_bytes += len(data)
            if self._late_bytes > LINGER_BYTES:
                self.transport.abort()
            return
        for start in range(0, len(data), PIECE_BYTES):
            if self._ended or self.transport.is_closing():
                return
            piece = data[start : start + PIECE_BYTES]
            self._size.received(len(piece))
            super().data_received(piece)
            if error := self._size.violation():
                self._reject(error)
        if not self._ended:
            self._follow()

    def on_message_begin(self) -> None:
        if self._ended:
            return
        super().on_message_begin()
        self._phase = _Phase.HEAD
        self._size = MessageSize()

    def on_url(self, url: bytes) -> None:
        if not self._ended:
            self._size.head(len(url))
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._ended:
            return
        self._size.field(name, value)
        if self._phase is _Phase.HEAD and self._size.fields <= MAX_FIELDS:  # trailers of a body are ignored
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._ended:
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            self.cycle.keep_alive = False
            self._end()
            return
        if error := self._size.violation():
            self._reject(error)
            return
        self._phase = _Phase.BODY
        self._size.head_complete()
        if target := _ABSOLUTE_TARGET.match(self.url):  # RFC 9112, 3.2.2: it counts, and not the Host field
            self.headers[:] = [field for field in self.headers if field[0] != b"host"]
            self.headers.append((b"host", target[1]))
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._size.chunk()

    def on_body(self, body: bytes) -> None:
        self._size.body(len(body))
        if not self._ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._ended:
            super().on_message_complete()
            self._phase = _Phase.BEGIN
            self._messages += 1
            self._size = MessageSize()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_after(self._open.limits.body_seconds)
        elif not self._ended:
            self._follow()

    def send_400_response(self, msg: str) -> None:
        self._reject(MalformedRequest(msg.rstrip(".")))

    # Time

    def _state(self) -> _State:
        if self._phase is _Phase.BODY:
            return _State.BODY
        if self.cycle is not None and not self.cycle.response_complete:
            return _State.WORKING
        if self._phase is _Phase.HEAD or self._size.unreported_bytes:
            return _State.HEAD
        return _State.IDLE

    def _follow(self) -> None:
        """Sets the time limit for what the connection waits for now."""
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
            self._end()
            self.transport.close()
            self._abort_after(LINGER_SECONDS)
        else:
            seconds = self._open.limits.head_seconds
            self._reject(
                RequestTooSlow(f"the request's header fields took more than {seconds:g} s", limit=seconds)
            )

    def _window_ended(self) -> None:
        """Ten windows are enough for a body, and none may bring next to nothing."""
        seconds = self._open.limits.body_seconds
        received, self._window_bytes = self._size.body_bytes - self._window_bytes, self._size.body_bytes
        if not self.flow.read_paused:  # else it is not the client who waits
            self._window += 1
            if received < seconds * BODY_BYTES_PER_SECOND or self._window >= BODY_WINDOWS:
                self._reject(
                    RequestTooSlow("the request's body comes too slowly", received=self._size.body_bytes)
                )
                return
        self._timer = self.loop.call_later(seconds, self._window_ended)

    # The end

    def _can_answer(self) -> bool:
        """Whether the next answer is that of the request that is not whole yet."""
        if self.transport.is_closing() or self.pipeline:
            return False
        if self.cycle is None or self.cycle.response_complete:
            return self._phase is not _Phase.BODY
        return self._phase is _Phase.BODY and not self.cycle.response_started

    def _reject(self, error: GemelError) -> None:
        """Answers in the application's place, if it has not begun to, and ends the connection."""
        if self._ended:
            return
        answers = self._can_answer()
        self._end()
        if not answers:
            self.transport.abort()
            return
        self._write(error)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._abort_after(LINGER_SECONDS)

    def _write(self, error: GemelError) -> None:
        answer = response(error)
        lines = [STATUS_LINE[answer.status_code], *(b"%b: %b\r\n" % field for field in answer.raw_headers)]
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", bytes(answer.body)]))

    def _end(self) -> None:
        """Nothing is read from now on; the application learns that who has asked is gone."""
        if self._phase is _Phase.BODY and self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._ended = True
        self._open.keep(self)
        self._cancel_timer()
        self._unset_keepalive_if_required()

    def _abort_after(self, seconds: float) -> None:
        self._cancel_abort()
        self._abort_timer = self.loop.call_later(seconds, self.transport.abort)

    def _cancel_abort(self) -> None:
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
