"""uvicorn's HTTP/1.1 protocol with limits on everything that a client sends before it is authenticated.

uvicorn and httptools have none: they collect a header block without end for ever, and keep a connection that
sends nothing. Why not another server: docs/decisions/0013-bounds-before-authentication.md.
"""

import asyncio
import math
import re
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from indexer.errors import MalformedRequest
from service.protocol.closing import Phase
from service.protocol.message_size import MAX_FIELDS, MessageSize
from service.protocol.timing import TimedProtocol
from service.stopping import Stop

MAX_PIPELINED = 32
"""Requests that a client may send before the first is answered. With more, the connection ends."""
PIECE_BYTES = 4_096
"""The parser gets so many bytes at a time, and a body of known length as it arrives. Limits are so exact."""
_FRAMING = (b"content-length", b"transfer-encoding")
_ABSOLUTE_TARGET = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class BoundedProtocol(TimedProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._stop: Stop = app_state["stop"]
        self._declining = False

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self._open.limits.max_connections and not self._open.make_room_for(self):
            self.make_room()

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
            self._was_paused |= self.flow.read_paused

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
        elif self._ended:
            return
        elif self._phase is Phase.BODY and self.cycle.response_complete and self._streams():
            # It may never end. A client that reads only after it has sent has one window to come to its end.
            self._end()
            self._finish(self._open.limits.body_seconds, math.inf)
        else:
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
