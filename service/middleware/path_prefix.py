"""Serves the application below a path prefix, behind a proxy that several services share."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class PathPrefix:
    """ASGI middleware: accepts paths with and without the prefix, since some proxies strip it."""

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._prefix:
            path = scope["path"]
            if path == self._prefix:  # the relative addresses of the page there need the slash
                await RedirectResponse(f"{path}/")(scope, receive, send)
                return
            if not f"{path}/".startswith(f"{self._prefix}/"):
                path = self._prefix + path
            scope = {**scope, "path": path, "root_path": self._prefix}
        await self._app(scope, receive, send)


def route_path(scope: Scope) -> str:
    """The path without the prefix, as the routes define it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
