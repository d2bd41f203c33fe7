"""uvicorn's HTTP/1.1 protocol with limits on everything that a client sends before it is authenticated.

uvicorn and httptools have none: they collect a header block without end for ever, and keep a connection that
sends nothing. Why not another server: docs/decisions/0013-bounds-before-authentication.md.
"""

import asyncio
import re
from enum import Enum
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from indexer.errors import Busy, MalformedRequest, RequestTooSlow
from service.protocol.closing import ClosingProtocol, Phase
from service.protocol.connections import Connections
from service.protocol.message_size import MAX_FIELDS, MessageSize
from service.stopping import Stop

MAX_PIPELINED = 32
"""Requests that a client may send before the first is answered. With more, the connection ends."""
BODY_BYTES_PER_SECOND = 2_000
BODY_WINDOWS = 10
PIECE_BYTES = 4_096
"""The parser gets so many bytes at a time, and a body of known length as it arrives. Limits are so exact."""
SHUTDOWN_SECONDS = 5.0
"""Time for bodies that are still arriving when the server is stopping."""
_FRAMING = (b"content-length", b"transfer-encoding")
_ABSOLUTE_TARGET = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class _State(Enum):
    IDLE = "no byte of a request"
    HEAD = "a part of a header block"
    BODY = "a part of a body"
    WORKING = "all of a request that is not answered yet"


class BoundedProtocol(ClosingProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open: Connections = app_state["connections"]
        self._stop: Stop = app_state["stop"]
        self._messages = 0
        self._declining = False
        self._size = MessageSize()
        self._situation: tuple[_State, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._window = self._window_bytes = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self._open.limits.max_connections and not self._open.make_room_for(self):
            self.make_room()

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
        if not (self._rejected or self.transport.is_closing()):
            self._cancel_abort()

    # Incoming data

    def data_received(self, data: bytes) -> None:
        if self._ended:
            self._discard(data)
            return
        self._unset_keepalive_if_required()
        start = 0
        while start < len(data):
            if self._ended or self.transport.is_closing():
                return
            piece = data[start : (start := start + max(PIECE_BYTES, self._size.body_bytes_left))]
            self._size.received(len(piece))
            try:
                self._feed(piece)
            except httptools.HttpParserError:
                self._reject(MalformedRequest("this is not valid HTTP/1.1"))
                return
            if error := self._size.violation():
                self._reject(error)
        if not self._ended:
            self._watch()

    def on_message_begin(self) -> None:
        if self._ended or self._declining:
            return
        super().on_message_begin()
        self._phase = Phase.HEAD
        self._size = MessageSize()

    def on_url(self, url: bytes) -> None:
        if not (self._ended or self._declining):
            self._size.head(len(url))
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._ended or self._declining:
            return
        self._size.field(name, value)
        if self._phase is Phase.HEAD and self._size.fields <= MAX_FIELDS:  # trailers of a body are ignored
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._ended or self._declining:
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            self.cycle.keep_alive = False
            self._end()
            return
        if error := self._size.violation():
            self._reject(error)
            return
        self._size.head_complete()
        if target := _ABSOLUTE_TARGET.match(self.url):  # RFC 9112, 3.2.2: it overrides Host
            self.headers[:] = [field for field in self.headers if field[0] != b"host"]
            self.headers.append((b"host", target[1]))
            self.url = b"/" + self.url[target.end() :].removeprefix(b"/")
        super().on_headers_complete()
        self._phase = Phase.BODY
        if self._stop.begun:  # the client opens its next connection to another server
            self.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        self._size.chunk()

    def on_body(self, body: bytes) -> None:
        self._size.body(len(body))
        if not self._ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not (self._ended or self.parser.should_upgrade()):
            super().on_message_complete()
            self._phase = Phase.BEGIN
            self._messages += 1
            self._size = MessageSize()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_after(self._open.limits.body_seconds)
        elif not self._ended:
            self._watch()

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                data = data[offer.args[0] :]
                self._decline_upgrade()

    def _decline_upgrade(self) -> None:
        """Ignores an offer to upgrade to another protocol, for example HTTP/2.

        The parser reads no body after such an offer. A new parser, which gets only the framing fields, does.
        """
        framing = [b"%b: %b\r\n" % field for field in self.headers if field[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(self)
        self._declining = True
        self.parser.feed_data(b"".join([b"POST / HTTP/1.1\r\n", *framing, b"\r\n"]))
        self._declining = False

    # Time

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
        """Rejects a body that takes more than ten windows, or brings too few bytes in one."""
        seconds = self._open.limits.body_seconds
        received, self._window_bytes = self._size.body_bytes - self._window_bytes, self._size.body_bytes
        if not self.flow.read_paused:  # while reading is paused, the server is the slow side
            self._window += 1
            if received < seconds * BODY_BYTES_PER_SECOND or self._window >= BODY_WINDOWS:
                self._reject(
                    RequestTooSlow("the request's body arrives too slowly", received=self._size.body_bytes)
                )
                return
        self._timer = self.loop.call_later(seconds, self._window_ended)

    def _end(self) -> None:
        super()._end()
        self._open.keep(self)
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
