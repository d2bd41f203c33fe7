"""HTTP as bytes over a socket, for what no client library would send."""

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Raw:
    """One connection."""

    def __init__(self, base: str, timeout: float = 60, *, receive_bytes: int | None = None) -> None:
        """`receive_bytes`: that the system keeps for it unread, where it is to be few."""
        address = urlsplit(base)
        assert address.hostname is not None
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.connect((address.hostname, address.port or 80))
        self.reader = self.socket.makefile("rb")

    def send(self, *data: bytes) -> None:
        self.socket.sendall(b"".join(data))

    def send_while_open(self, data: bytes, *, times: int) -> int:
        """Stops where the other side ends the connection; how often it was sent."""
        for count in range(times):
            try:
                self.socket.sendall(data)
            except OSError:
                return count
        return times

    def drip(self, data: bytes, *, seconds: float) -> bool:
        """Sends a byte at a time for so long; True where the connection was ended meanwhile."""
        end = time.monotonic() + seconds
        self.socket.settimeout(0.05)
        while time.monotonic() < end:
            for byte in data:
                try:
                    self.socket.sendall(bytes([byte]))
                    if self.socket.recv(65_536, socket.MSG_PEEK) == b"":
                        return True
                except TimeoutError:
                    continue
                except OSError:
                    return True
                if self._is_closing():
                    return True
        return False

    def answer(self, *, head: bool = False) -> Answer | None:
        """None where the connection ends without one."""
        self.socket.settimeout(60)
        try:
            status_line = self.reader.readline()
            if not status_line:
                return None
            headers = {}
            while line := self.reader.readline().strip().decode("latin-1"):
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = b"" if head else self.reader.read(int(headers.get("content-length", "0")))
        except ConnectionError:
            return None
        return Answer(int(status_line.split()[1]), headers, body)

    def ends_within(self, seconds: float) -> bool:
        """Whether the other side ends the connection, whatever it sends before."""
        self.socket.settimeout(seconds)
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                if self.reader.read1(65_536) == b"":
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def _is_closing(self) -> bool:
        """Something was answered: what follows decides whether it goes on."""
        with contextlib.suppress(OSError):
            data = self.socket.recv(65_536, socket.MSG_PEEK)
            return b"connection: close" in data.lower()
        return False


@contextlib.contextmanager
def connected(base: str, timeout: float = 60, *, receive_bytes: int | None = None) -> Iterator[Raw]:
    raw = Raw(base, timeout, receive_bytes=receive_bytes)
    try:
        yield raw
    finally:
        raw.close()


@contextlib.contextmanager
def many(base: str, count: int, data: bytes = b"") -> Iterator[list[Raw]]:
    """So many connections, on each of which `data` was sent."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connected(base)) for _ in range(count)]
        for connection in connections:
            connection.send_while_open(data, times=1)
        yield connections


def request(method: str, target: str, *headers: str, host: str | None = "localhost") -> bytes:
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")
