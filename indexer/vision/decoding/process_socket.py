"""The server's end of a socket to a process that decodes: waits no longer than until a deadline."""

import select
import socket
import time

from indexer.concurrency import raise_if_abandoned

_POLL_SECONDS = 0.2


class ProcessSocket:
    """For one thread at a time. Methods raise TimeoutError, Abandoned, and OSError once the process is
    dead."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, data: bytes, deadline: float) -> None:
        """`deadline`: by `time.monotonic`."""
        rest = memoryview(data)
        while rest:
            self.wait_for(select.POLLOUT, deadline)
            rest = rest[self.connection.send(rest, socket.MSG_DONTWAIT) :]

    def receive_into(self, buffer: memoryview, deadline: float) -> None:
        """Until it is full."""
        while buffer:
            self.wait_for(select.POLLIN, deadline)
            count = self.connection.recv_into(buffer, 0, socket.MSG_DONTWAIT)
            if count == 0:
                raise ConnectionResetError("the process has closed its socket")
            buffer = buffer[count:]

    def wait_for(self, event: int, deadline: float) -> None:
        """Until the socket is ready. The deadline also holds for a process that sends byte after byte."""
        poll = select.poll()
        poll.register(self.connection, event)
        while True:
            raise_if_abandoned()
            if time.monotonic() > deadline:
                raise TimeoutError
            if poll.poll(_POLL_SECONDS * 1e3):
                return
