"""The server's end of a process that decodes pictures or clips from outside: starts it, reads its answers
until a deadline, notices its death.

The process may have been taken over by what it decodes, so nothing that it answers is trusted.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from indexer.errors import Busy, InvalidInput
from indexer.vision.decoding.process_socket import ProcessSocket

Answer = TypeVar("Answer", bound=BaseModel)

_WALL_FACTOR = 4.0
"""Wall time over processor time that a decoding may take, on a machine that is busy with other work."""
_START_SECONDS = 20.0
_MAX_JSON_BYTES = 100_000


class ProcessDied(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
        """As in `subprocess`: a signal is negative. That of SIGKILL also if the process answers nonsense."""


class _Rejection(BaseModel):
    """Why the process has decoded nothing."""

    code: str
    message: str
    details: dict[str, Any]


class ChildProcess:
    """For one thread at a time; another one may kill it."""

    rejections: Sequence[type[InvalidInput]] = ()
    """Errors that the process may answer with."""

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """`module`: whose `main` runs in the process, with the descriptor of the socket as its first argument
        and `arguments` after it. `environment`: variables beside the server's. Raises OSError."""
        connection, its_end = socket.socketpair()
        self.socket = ProcessSocket(connection)
        program = f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; main()"
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own program)
                [sys.executable, "-c", program, str(its_end.fileno()), *arguments],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its_end.fileno()],
                start_new_session=True,  # Ctrl-C is for the server; the process ends when the socket closes
            )
        except BaseException:
            connection.close()
            raise
        finally:
            its_end.close()

    def kill(self) -> None:
        """Another thread may wait for an answer meanwhile; it gets ProcessDied."""
        self._process.kill()

    def close(self) -> None:
        """Kills the process and waits for its end."""
        self._process.kill()
        self._process.wait()
        self.socket.connection.close()

    @contextmanager
    def request(self, seconds: float, what: str) -> Iterator[float]:
        """The block is one request, which may take `seconds` of processor time. Yields its deadline, by
        `time.monotonic`. `what`: the noun for messages.

        Raises Busy if the block raises TimeoutError, and ProcessDied if it raises another OSError, ValueError
        or OverflowError: the process is dead, or answers nonsense.
        """
        try:
            yield time.monotonic() + seconds * _WALL_FACTOR + _START_SECONDS
        except TimeoutError:
            raise Busy(f"the machine was too busy to decode {what} in time") from None
        except (OSError, ValueError, OverflowError):
            raise ProcessDied(self._status()) from None

    def receive_answer(self, length: int, kind: type[Answer], deadline: float) -> Answer:
        """Reads an answer of type `kind` from `length` bytes of JSON. Raises one of `rejections` if the
        process answers with it, ValueError if the answer is neither, and what `ProcessSocket` raises."""
        if length > _MAX_JSON_BYTES:
            raise ValueError(f"the process answers with {length} bytes")
        body = self.receive(length, deadline)
        try:
            found = _Rejection.model_validate_json(body)
        except ValidationError:
            return kind.model_validate_json(body)
        for rejection in self.rejections:
            if rejection.code == found.code:
                error = rejection(found.message)
                error.details |= found.details
                raise error
        raise ValueError(f"the process answers with {found.code}")

    def receive(self, length: int, deadline: float) -> bytes:
        """Reads exactly `length` bytes. Raises what `ProcessSocket` raises."""
        buffer = bytearray(length)
        self.socket.receive_into(memoryview(buffer), deadline)
        return bytes(buffer)

    def _status(self) -> int:
        try:
            return self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:  # it lives, but does not answer as it should
            return -signal.SIGKILL
