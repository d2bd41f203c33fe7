"""A client who hangs up is not worked for: a real `gemel serve`."""

import os
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.decoder_processes import decoder_processes, eventually
from tests.support.home import Home


def test_a_picture_is_given_up_when_its_client_hangs_up(tmp_path: Path, migrated_cluster: Path) -> None:
    picture = b"P4 6700 6700\n" + bytes(838 * 6700)  # which may take 55 s on the clock
    head = (
        b"POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: %d\r\n\r\n"
    )
    body = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        + picture
        + b"\r\n--b--\r\n"
    )
    with Home(tmp_path, cluster=migrated_cluster).server() as (base, process):
        address = urlsplit(base)
        with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
            connection.sendall(head % len(body) + body)
            assert eventually(lambda: len(decoder_processes(process.pid)) == 1)
            [decoding] = decoder_processes(process.pid)
            os.kill(decoding, signal.SIGSTOP)  # it would take for ever

        assert eventually(lambda: decoding not in decoder_processes(process.pid), seconds=30)
