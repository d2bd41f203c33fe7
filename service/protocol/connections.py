"""The open connections of a process: how much each may take, and which of them make room for a new one."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What a client may send, or leave unsent, before it is authenticated."""

    max_connections: int
    head_seconds: float
    """For a request's header block: from its first byte on, or from the start of the connection."""
    body_seconds: float
    """Of a window. A body has ten at most, and a least number of bytes must arrive in each
    (`service.protocol.http1`). An answer may stay unread for one."""


class Connection(Protocol):
    def make_room(self) -> None:
        """Ends itself at once."""


class Connections:
    """Used by the event loop's thread alone.

    Connections that wait for a request make room first, then those that wait for the rest of a body; of
    each kind the one that has waited longest. A request that is worked on is never given up.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._waiting: dict[Connection, None] = {}
        self._uploading: dict[Connection, None] = {}

    def wait(self, connection: Connection) -> None:
        """`connection` has sent no request, or a part of its header block."""
        self._uploading.pop(connection, None)
        self._waiting.setdefault(connection)

    def upload(self, connection: Connection) -> None:
        """A part of the body of its last request is missing."""
        self._waiting.pop(connection, None)
        self._uploading.setdefault(connection)

    def keep(self, connection: Connection) -> None:
        """Its requests are worked on; or it is closed."""
        self._waiting.pop(connection, None)
        self._uploading.pop(connection, None)

    def make_room_for(self, connection: Connection) -> bool:
        """False where no other connection can be ended for it."""
        for kind in (self._waiting, self._uploading):
            for candidate in kind:
                if candidate is not connection:
                    self.keep(candidate)
                    candidate.make_room()
                    return True
        return False
