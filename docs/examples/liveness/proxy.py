"""The site's own server, as small as it can be: serves the page, and passes two requests on to Gemel.

    GEMEL_API_KEY=gemel_... SERVER_URL=http://127.0.0.1:8000 python proxy.py 8080

Take the functions that are marked into the server that you have. Nothing but Python is needed.
"""

import json
import os
import re
import secrets
import sys
import urllib.error
import urllib.request
from functools import partial
from http.client import HTTPException
from http.cookies import CookieError, SimpleCookie
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

GEMEL = os.environ.get("SERVER_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("GEMEL_API_KEY", "")
"""Of the role `verify`, with limits. It stays here: a key in a page belongs to everybody who reads it."""
DRAW, CHECK = "/liveness/challenges", "/liveness"
PATHS = {DRAW: "/v1/liveness/challenges", CHECK: "/v1/liveness"}
MAX_BYTES = 10_000_000
SECONDS = 60
FORM = re.compile(r'multipart/form-data; *boundary=("?)([0-9A-Za-z_-]{1,70})\1', re.IGNORECASE)
"""Content-Type of a form, as browsers send it. Of two boundaries, Gemel might take the other one."""
COOKIE = "liveness"
MAX_TOKENS = 10_000
TOKENS: dict[str, str] = {}
"""By session: the token of the challenge that was drawn last. In your server, keep it in the session of the
person who has signed in."""


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
    fields = ("movements",) if path == DRAW else ("verdict", "reasons")
    return {field: found[field] for field in fields}


def with_token(body: bytes, content_type: str | None, token: str) -> tuple[bytes, str] | None:
    """Take this into your server. Returns the form with the token, and its Content-Type; None if the body is
    no form. The page never gets the token, so that nobody can answer a challenge of another session, or leave
    the challenge out. For the same reason Gemel never gets the browser's own Content-Type: with another
    boundary than the one that is used here, it would not see the token."""
    stated = FORM.fullmatch(content_type or "")
    if stated is None:
        return None
    boundary = stated[2]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="token"\r\n\r\n{token}\r\n'
    return head.encode() + body, f"multipart/form-data; boundary={boundary}"


def remember(token: str) -> str:
    """Keeps the token in a new session, and returns the session's id."""
    while len(TOKENS) >= MAX_TOKENS:
        TOKENS.pop(next(iter(TOKENS)), None)
    session = secrets.token_urlsafe()
    TOKENS[session] = token
    return session


def session_of(cookies: str | None) -> str:
    """The id of the browser's session; empty if it has none."""
    try:
        found = SimpleCookie(cookies or "").get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


class Handler(SimpleHTTPRequestHandler):
    def do_POST(self) -> None:
        stated = self.headers.get("Content-Length") or "0"
        length = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 10 else MAX_BYTES + 1
        if self.path not in PATHS or length > MAX_BYTES:
            self.send_error(404 if self.path not in PATHS else 413)
            return
        body = self.rfile.read(length)
        form: tuple[bytes, str | None] | None = b"", None  # the page does not choose how a challenge is drawn
        if self.path == CHECK:
            token = TOKENS.pop(session_of(self.headers.get("Cookie")), None)
            if token is None:  # of another browser, or used
                self.answer(409, {})
                return
            form = with_token(body, self.headers.get("Content-Type"), token)
        if form is None:
            self.send_error(415)
            return
        try:
            self.answer(*ask_gemel(self.path, *form))
        except (OSError, ValueError, HTTPException):  # Gemel does not answer, or not as it should
            self.answer(502, {})

    def answer(self, status: int, found: dict[str, Any]) -> None:
        body = json.dumps(answer_for_page(self.path, status, found)).encode()
        self.send_response(status)
        if "token" in found:  # add "; Secure" where your site has HTTPS, as it should
            cookie = f"{COOKIE}={remember(found['token'])}; HttpOnly; SameSite=Strict; Max-Age=60"
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isascii() or not sys.argv[1].isdigit():
        sys.exit("Usage: GEMEL_API_KEY=gemel_... SERVER_URL=http://127.0.0.1:8000 python proxy.py PORT")
    if not KEY:
        sys.exit("Set GEMEL_API_KEY to an API key: `gemel keys create --role verify` makes one.")
    folder = str(Path(__file__).parent)
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), partial(Handler, directory=folder)) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
