"""The site's own server, as small as it can be: serves the page, and passes two requests on to Gemel.

    GEMEL_API_KEY=gemel_... SERVER_URL=http://127.0.0.1:8000 python proxy.py 8080

Take the two functions that are marked into the server that you have. Nothing but Python is needed.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from functools import partial
from http.client import HTTPException
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

GEMEL = os.environ.get("SERVER_URL", "http://127.0.0.1:8000")
KEY = os.environ["GEMEL_API_KEY"]
"""Of the role `verify`, with limits. It stays here: a key in a page belongs to everybody who reads it."""
PATHS = {"/liveness/challenges": "/v1/liveness/challenges", "/liveness": "/v1/liveness"}
MAX_BYTES = 10_000_000
SECONDS = 60


def ask_gemel(path: str, body: bytes, content_type: str | None) -> tuple[int, dict[str, Any]]:
    """Take this into your server."""
    headers = {"X-API-Key": KEY} | ({"Content-Type": content_type} if content_type else {})
    request = urllib.request.Request(GEMEL + PATHS[path], data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, {}


def answer_for_page(path: str, status: int, found: dict[str, Any]) -> dict[str, Any]:
    """Take this into your server, and decide here: remember the verdict in the session of the person who has
    signed in, and let nobody on with another verdict than `live`. The page gets no figures: they help an
    attacker."""
    if status >= 400:
        return {}
    fields = ("token", "movements") if path == "/liveness/challenges" else ("verdict", "reasons")
    return {field: found[field] for field in fields}


class Handler(SimpleHTTPRequestHandler):
    def do_POST(self) -> None:
        stated = self.headers.get("Content-Length") or "0"
        length = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 10 else MAX_BYTES + 1
        if self.path not in PATHS or length > MAX_BYTES:
            self.send_error(404 if self.path not in PATHS else 413)
            return
        try:
            status, found = ask_gemel(self.path, self.rfile.read(length), self.headers.get("Content-Type"))
        except (OSError, ValueError, HTTPException):  # Gemel does not answer, or not as it should
            status, found = 502, {}
        body = json.dumps(answer_for_page(self.path, status, found)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    folder = str(Path(__file__).parent)
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), partial(Handler, directory=folder)) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
