"""A process that answers a byte at a time holds nobody longer than until the deadline."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from indexer.concurrency import abandoned_when
from indexer.errors import Abandoned
from indexer.vision.decoding.process_socket import ProcessSocket

BYTES = 200
DRIBBLES = f"""
import socket, sys, time
with socket.socket(fileno=int(sys.argv[1])) as connection:
    for _ in range({BYTES}):
        connection.sendall(b"x")
        time.sleep(0.05)
"""


@pytest.fixture
def dribbling() -> Iterator[ProcessSocket]:
    """Its process has begun to send."""
    ours, its_end = socket.socketpair()
    command = [sys.executable, "-c", DRIBBLES, str(its_end.fileno())]
    with (
        ours,
        subprocess.Popen(command, pass_fds=[its_end.fileno()], stderr=subprocess.DEVNULL) as process,
    ):
        its_end.close()
        found = ProcessSocket(ours)
        found.receive_into(memoryview(bytearray(1)), time.monotonic() + 60)
        yield found
        process.kill()


def test_the_deadline_holds_while_bytes_arrive(dribbling: ProcessSocket) -> None:
    with pytest.raises(TimeoutError):
        dribbling.receive_into(memoryview(bytearray(2 * BYTES)), time.monotonic() + 0.5)


def test_a_client_that_disconnects_while_bytes_arrive_is_noticed(dribbling: ProcessSocket) -> None:
    with abandoned_when(lambda: True), pytest.raises(Abandoned):
        dribbling.receive_into(memoryview(bytearray(2 * BYTES)), time.monotonic() + 60)
