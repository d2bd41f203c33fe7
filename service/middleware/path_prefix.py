"""The application below a path prefix, behind a proxy that shares its name with other services."""

from starlette.types import ASGIApp, Receive, Scope, Send


class PathPrefix:
    """ASGI middleware: takes paths with and without the prefix, as proxies keep it or take it off."""

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._prefix:
            path = scope["path"]
            if not f"{path}/".startswith(f"{self._prefix}/"):
                path = self._prefix + path
            scope = {**scope, "path": path, "root_path": self._prefix}
        await self._app(scope, receive, send)


def route_path(scope: Scope) -> str:
    """The path as the routes have it: without the prefix."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
