"""A connection until its TLS handshake is complete, with the limits of a connection without TLS.

uvicorn would let any number of connections take a minute each for it, because they are no connections to it
yet.
"""

import asyncio
import ssl
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from service.protocol.closing import LINGER_SECONDS
from service.protocol.connections import Connections
from service.protocol.http1 import BoundedProtocol


class TlsProtocol(asyncio.Protocol):
    """Counts as a connection that waits for a request, and hands over to `BoundedProtocol`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = _loop or asyncio.get_event_loop()
        self._arguments = (config, server_state, app_state, self._loop)
        self._connections = cast(set[Any], server_state.connections)
        self._open: Connections = app_state["connections"]
        self._context: ssl.SSLContext = app_state["tls"]
        self._transport: asyncio.Transport | None = None
        self._handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.pause_reading()  # the handshake's first bytes are for `start_tls`
        self._transport = transport
        self._connections.add(self)
        self._open.wait(self)
        self._handshake = self._loop.create_task(self._secure(transport))
        if len(self._connections) > self._open.limits.max_connections and not self._open.make_room_for(self):
            self.make_room()

    def make_room(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def shutdown(self) -> None:
        """The server stops: nobody has sent a request here."""
        self.make_room()

    async def _secure(self, transport: asyncio.Transport) -> None:
        early = _EarlyData()
        try:
            if transport.is_closing():
                return
            secured = await self._loop.start_tls(
                transport,
                early,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._open.limits.head_seconds,
                ssl_shutdown_timeout=LINGER_SECONDS,
            )
        except OSError:  # not TLS, too old a version, too slow, or the client is gone
            transport.abort()
            return
        finally:
            self._open.keep(self)
            self._connections.discard(self)
        if secured is None or early.lost:
            transport.abort()
            return
        protocol = BoundedProtocol(*self._arguments)
        secured.set_protocol(protocol)
        protocol.connection_made(secured)
        for data in early.received:
            protocol.data_received(data)


class _EarlyData(asyncio.Protocol):
    """What arrives between the end of the handshake and the hand-over."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.received.append(data)

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
