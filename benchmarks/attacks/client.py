"""HTTP requests as an attacker sends them: any bytes, from any loopback address."""

import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any

TIMEOUT_SECONDS = 30.0
_CHANGING = ("x-request-id", "date")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """None for a body that is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def visible(self, *secret: str) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
        """All that a client sees, with the names that it sent replaced: to compare two answers."""
        body = self.body
        for text in sorted((text for text in secret if len(text) > 3), key=len, reverse=True):
            body = body.replace(text.encode(), b"?")
        headers = sorted((name, value) for name, value in self.headers.items() if name not in _CHANGING)
        lengths = [(name, value) for name, value in headers if name != "content-length"]
        return self.status, body, tuple(lengths)


CLOSED = Answer(0, {}, b"")
"""The server has ended the connection without an answer."""


class Client:
    """One connection, made again where the server has ended it. Not thread-safe."""

    def __init__(self, port: int, key: str | None = None, *, address: str = "127.0.0.1") -> None:
        """`address`: of the loopback network, which the request comes from."""
        self.port = port
        self._key = key
        self._address = address
        self._socket: socket.socket | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, target: str, **options: Any) -> Answer:
        return self.request("GET", target, **options)

    def request(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        headers: Mapping[str, str | bytes] | None = None,
        key: str | bytes | None = None,
    ) -> Answer:
        """`body`: JSON, or bytes. `key`: another than the client's own."""
        fields: list[tuple[str, str | bytes]] = [("Host", "localhost")]
        sent = key if key is not None else self._key
        if sent is not None:
            fields.append(("X-API-Key", sent))
        fields.extend((headers or {}).items())
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if data or method in ("POST", "PUT", "PATCH"):
            fields.append(("Content-Length", str(len(data))))
            if not isinstance(body, bytes):
                fields.append(("Content-Type", "application/json"))
        lines = [f"{method} {target} HTTP/1.1".encode("utf-8", "surrogateescape")]
        lines += [name.encode() + b": " + _bytes(value) for name, value in fields]
        return self.raw(b"\r\n".join([*lines, b"", data]), method=method)

    def raw(self, data: bytes, *, method: str = "GET") -> Answer:
        """Sends bytes and reads one answer; a second time where an old connection has ended meanwhile."""
        old = self._socket is not None
        answer = self._exchange(data, method)
        return self._exchange(data, method) if old and answer is CLOSED else answer

    def _exchange(self, data: bytes, method: str) -> Answer:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(
                    ("127.0.0.1", self.port), TIMEOUT_SECONDS, source_address=(self._address, 0)
                )
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(data)
            response = HTTPResponse(self._socket, method=method)
            response.begin()
            body = response.read()
        except (OSError, HTTPException):
            self.close()
            return CLOSED
        if response.will_close:
            self.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
