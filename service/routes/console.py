"""Serves the files of `service/console/`. They need no API key, because they reveal nothing."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).parent.parent / "console"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # a browser asks each time, and gets 304 while the file is the same
}


SMALLEST_COMPRESSED_BYTES = 400


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


class _Compressed:
    """ASGI application: compresses the files for clients that accept gzip. They contain no secrets."""

    def __init__(self, files: StaticFiles) -> None:
        self._files = files
        self._compressing = GZipMiddleware(files, minimum_size=SMALLEST_COMPRESSED_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ranges = any(name == b"range" for name, _ in scope["headers"])  # they count bytes of the file itself
        await (self._files if ranges else self._compressing)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Serves the page at `/` and its files below `/console/`."""
    files = _Files(directory=FOLDER)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    app.mount("/console", _Compressed(files))
