"""A reverse proxy as small as it can be: a path prefix, and servers that take turns."""

import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@contextlib.contextmanager
def proxied(servers: Sequence[str], *, prefix: str, strips: bool) -> Iterator[str]:
    """Address of a proxy that publishes the servers below `prefix`, without a slash at its end.

    `strips`: the servers get paths without the prefix.
    """
    turns = itertools.cycle(servers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            path = self.path.removeprefix(prefix) if strips else self.path
            if not path:  # a server would not know of the prefix: proxies that strip it add the slash
                self.send_response(301)
                self.send_header("Location", f"{prefix}/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = [(name, value) for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP]
            answer = client.request(
                self.command,
                next(turns) + path,
                headers=[*sent, ("Host", self.headers["Host"])],
                content=body,
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name.lower() not in _HOP_BY_HOP | {"content-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with httpx2.Client(timeout=60) as client, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
        server.shutdown()
        thread.join()
