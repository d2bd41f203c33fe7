"""Who acts: the holder of an API key, a person at the command line, a thread of the server."""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom the audit record names."""

    name: str
    """For people: a key's name, or `command line: root@host`."""
    key_id: UUID | None = None
    """Of the API key. None for the bootstrap key, the command line and the server itself."""
    address: str | None = None
    """The client's network address, where there is one."""


SERVER = Caller(name="server")

current_caller: ContextVar[Caller] = ContextVar("current_caller", default=SERVER)
"""Of the current request or command, also in the threads that work for it."""
