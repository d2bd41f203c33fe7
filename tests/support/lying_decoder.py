"""A decoder process that was taken over: reads the request, and answers with whatever a test has chosen.

The answer is in the environment, because the process gets the arguments of the real one.
"""

import base64
import os
import socket
import struct
import sys

ANSWER = "GEMEL_TEST_ANSWER"
"""Variable: base64 of the bytes after the length."""


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.recv(1_000_000)
        body = base64.b64decode(os.environ[ANSWER])
        connection.sendall(struct.pack("<I", len(body)) + body)
        connection.recv(1)  # lives until the server closes the socket
