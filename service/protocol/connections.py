"""The open connections of a process: their limits, and which of them is closed to make room for a new one."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits that hold for a client before it is authenticated."""

    max_connections: int
    head_seconds: float
    """Time for a request's header block, from its first byte, or from the start of the connection."""
    body_seconds: float
    """Length of one window. A body may take ten windows, and a minimum of bytes must arrive in each
    (`service.protocol.timing`). A client may leave an answer unread for one window."""


class Connection(Protocol):
    def make_room(self) -> None:
        """Closes itself at once."""


class Connections:
    """Used by the event loop's thread alone.

    Connections that wait for a request are closed first, then those that wait for the rest of a body; of
    each kind the one that has waited longest. A connection whose request is being worked on is never closed.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._waiting: dict[Connection, None] = {}
        self._uploading: dict[Connection, None] = {}

    def wait(self, connection: Connection) -> None:
        """`connection` has sent nothing of the next request, or only a part of its header block."""
        self._uploading.pop(connection, None)
        self._waiting.setdefault(connection)

    def upload(self, connection: Connection) -> None:
        """The body of its last request is incomplete."""
        self._waiting.pop(connection, None)
        self._uploading.setdefault(connection)

    def keep(self, connection: Connection) -> None:
        """Its requests are being worked on, or it is closed: it cannot make room."""
        self._waiting.pop(connection, None)
        self._uploading.pop(connection, None)

    def make_room_for(self, connection: Connection) -> bool:
        """Closes another connection; False if none may be closed."""
        for kind in (self._waiting, self._uploading):
            for candidate in kind:
                if candidate is not connection:
                    self.keep(candidate)
                    candidate.make_room()
                    return True
        return False
