"""An HTTP server with files, and with the faults that real ones have."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest


@dataclass(kw_only=True)
class FileServer:
    """A context manager. The lists are taken from the front, one for each request; then all goes well."""

    files: Mapping[str, bytes]
    """By path, such as `/network.bin`."""
    cut_after: list[int] = field(default_factory=list)
    """Bytes of an answer, after which the connection ends."""
    statuses: list[int] = field(default_factory=list)
    """Instead of the file."""
    resumes: bool = True
    """Whether it knows ranges."""
    names_length: bool = True
    redirects: Mapping[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and `Range` of each request."""
    certificate: Path | None = None
    """With its key, for HTTPS."""
    hangs: int = 0
    """Requests that are never answered, as long as the server runs."""
    stalls_after: int | None = None
    """Bytes of an answer, after which nothing more comes as long as the server runs."""

    def __enter__(self) -> Self:
        self.released = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"


def self_signed(folder: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, made by OpenSSL's program."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    file = folder / "certificate.pem"
    key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        str(folder / "key.pem"),
    ]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", *key, *name, "-out", str(file)], check=True, capture_output=True
    )
    file.write_text(file.read_text() + (folder / "key.pem").read_text())
    return file


class _Handler(BaseHTTPRequestHandler):
    owner: FileServer

    def do_GET(self) -> None:
        owner = self.owner
        wanted = self.headers.get("Range")
        owner.requests.append((self.path, wanted))
        if owner.hangs > 0:
            owner.hangs -= 1
            owner.released.wait()
            self.close_connection = True
            return
        if owner.statuses:
            return self._answer(owner.statuses.pop(0), b"")
        if self.path in owner.redirects:
            return self._answer(302, b"", Location=owner.redirects[self.path])
        data = owner.files.get(self.path)
        if data is None:
            return self._answer(404, b"there is no such page, and this text is no file of weights")
        if wanted is None or not owner.resumes:
            return self._answer(200, data)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(data):
            return self._answer(416, b"")
        return self._answer(
            206, data[start:], **{"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        )

    def _answer(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.owner.names_length:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        cut = self.owner.cut_after.pop(0) if self.owner.cut_after and status in (200, 206) else None
        if self.owner.stalls_after is not None:
            self.wfile.write(data[: self.owner.stalls_after])
            self.owner.released.wait()
        else:
            self.wfile.write(data[:cut])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
