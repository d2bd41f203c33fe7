"""A decoder process that was taken over: reads the request, and answers with whatever a test has chosen.

The answer is in the environment, and so is the size of the memory that goes along with it, because the
process gets the arguments of the real one.
"""

import base64
import fcntl
import os
import socket
import struct
import sys

from indexer.vision.decoding.process import SEALS

ANSWER = "GEMEL_TEST_ANSWER"
"""Variable: base64 of the bytes after the length."""
MEMORY = "GEMEL_TEST_MEMORY"
"""Variable: bytes of the sealed memory whose descriptor is sent along; none if it is not set."""


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.recv(1_000_000)
        body = base64.b64decode(os.environ[ANSWER])
        answer = struct.pack("<I", len(body)) + body
        sent = socket.send_fds(connection, [answer], _memory(int(os.environ.get(MEMORY, "0"))))
        connection.sendall(answer[sent:])
        connection.recv(1)  # lives until the server closes the socket


def _memory(size: int) -> list[int]:
    """None of it is allocated until it is read or mapped."""
    if not size:
        return []
    descriptor = os.memfd_create("lie", os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return [descriptor]
