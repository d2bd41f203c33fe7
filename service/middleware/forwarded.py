"""The client's address where a proxy stands before the server: only proxies that the operator names count.

Anybody can send `X-Forwarded-For`. Logs, the audit record and the pause after wrong keys use the address.
"""

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForwardedAddress:
    """The outermost ASGI middleware: sets `client` and `scheme` of requests that a named proxy has sent."""

    def __init__(self, app: ASGIApp, *, proxies: Sequence[Network]) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._proxies and scope["type"] == "http" and scope.get("client"):
            peer = parse_address(scope["client"][0])
            if peer is not None and self._is_proxy(peer):
                self._replace(scope, peer)
        await self._app(scope, receive, send)

    def _replace(self, scope: Scope, peer: Address) -> None:
        """Each proxy appends the address that it sees: the last one that is no proxy's is the client's.
        What stands before it was sent by the client."""
        fields = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        client = peer
        for text in reversed(",".join(fields).split(",")):
            address = parse_address(text)
            if address is None:
                break
            client = address
            if not self._is_proxy(address):
                break
        if client != peer:
            scope["client"] = (str(client), 0)
        schemes = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        if schemes[-1:] in ([b"http"], [b"https"]):
            scope["scheme"] = schemes[-1].decode()

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def parse_address(text: str) -> Address | None:
    """Also with a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. None if it is no IP address."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None  # free text, which a log line would repeat
        return address.ipv4_mapped or address
    return address
