"""Which operation a request is for, before the router runs: access is decided before the body is read."""

import re
from dataclasses import dataclass
from functools import cached_property

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import Scope

from service.middleware.path_prefix import route_path


@dataclass(frozen=True, slots=True)
class Operation:
    operation_id: str | None
    """None: a page of the documentation, a path that does not exist, or a method that it does not have."""
    gallery: str | None = None
    """The gallery that the path names."""


NO_OPERATION = Operation(None)


class Operations:
    """The routes of the application, in the router's order and with its regular expressions."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    @cached_property
    def _routes(self) -> dict[str, list[tuple[re.Pattern[str], str | None]]]:
        """By method. Made with the first request, when all routes are there."""
        routes: dict[str, list[tuple[re.Pattern[str], str | None]]] = {}
        for route in iter_route_contexts(self._app.routes):
            if route.path is None:
                continue
            pattern, _, _ = compile_path(route.path)
            for method in route.methods or ():
                routes.setdefault(method, []).append((pattern, getattr(route, "operation_id", None)))
        return routes

    def find(self, scope: Scope) -> Operation:
        path = route_path(scope)
        for pattern, operation_id in self._routes.get(scope["method"], ()):
            if found := pattern.match(path):
                return Operation(operation_id, found.groupdict().get("gallery"))
        return NO_OPERATION
