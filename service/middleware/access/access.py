"""Authentication, then authorisation, before the body is read. `service/permissions.py` has the rules."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.access.authenticator import Authenticator
from indexer.access.grant import Grant
from indexer.access.rejections import Rejection
from indexer.callers import Caller, current_caller
from indexer.concurrency import raise_if_abandoned
from indexer.errors import (
    CrossSite,
    CsrfTokenInvalid,
    GalleryNotFound,
    GemelError,
    NotAuthenticated,
    PermissionDenied,
    Stopping,
)
from indexer.records.audit.event import Action
from indexer.records.galleries import NAME_PATTERN
from service.errors import response
from service.face_count import FaceCount
from service.middleware.access.authentication import Authentication, Credential, required_now
from service.middleware.access.key_limits import KeyLimitation
from service.middleware.access.operations import Operation, Operations
from service.middleware.access.origins import Origins
from service.middleware.access.sent_key import takes_password
from service.middleware.path_prefix import route_path
from service.permissions import FORGOTTEN, RULES, GalleryAt
from service.stopping import Stop

OPEN = {"/healthz", "/readyz"}
CONSOLE = "/console/"
SESSION = "/v1/session"
ANYONE = Grant(name="anyone on this machine")
"""Where no key is required."""


class Access:
    """ASGI middleware: stores the grant and the operation in the request's state and sets `current_caller`,
    or answers 401, 403 or 404.

    The limits of a key come between authentication and authorisation: they also hold for rejected requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        origins: Origins,
        operations: Operations,
        authentication: Authentication,
        key_limitation: KeyLimitation,
        console: bool,
    ) -> None:
        """`console`: whether the files of the console are served."""
        self._app = app
        self._console = console
        self._key_limitation = key_limitation
        self._origins = origins
        self._operations = operations
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await self._admit(scope, scope["app"].state.engine.authenticator)
            except GemelError as error:
                await self._key_limitation(scope, receive, send, _answer(error, scope))
                return
            scope.setdefault("state", {})["access"] = self
        await self._key_limitation(scope, receive, send, self._app)
        state = scope.get("state", {})
        if (
            state.get("problem", {}).get("code") == PermissionDenied.code
        ):  # by a route, after the body was read
            _note_denied(scope, state["operation"], PermissionDenied.code)

    @asynccontextmanager
    async def again(self, scope: Scope) -> AsyncIterator[FaceCount]:
        """Admits one picture of a stream. It counts for the limits of the key like a request of its own, but
        waits where a request gets 429.

        Raises NotAuthenticated, PermissionDenied, GalleryNotFound, DatabaseUnavailable; while it waits also
        Stopping, Abandoned.
        """

        async def check() -> None:
            raise_if_abandoned()
            stop: Stop | None = scope["state"].get("stop")
            if stop is not None and stop.begun:
                raise Stopping("the server is stopping: send the lines without an answer once more")
            await self._admit(scope, scope["app"].state.engine.authenticator)

        await self._admit(scope, scope["app"].state.engine.authenticator)
        async with self._key_limitation.piece(scope, check) as faces:
            yield faces

    async def _admit(self, scope: Scope, authenticator: Authenticator) -> None:
        """Raises NotAuthenticated, PermissionDenied, GalleryNotFound, CsrfTokenInvalid, DatabaseUnavailable,
        and what `Origins` raises."""
        required, path = authenticator.required, route_path(scope)
        if not required and (scope["method"], path) == ("POST", SESSION):
            required = await required_now(authenticator)
        if not (required and path in OPEN):  # load balancers use names of their own
            self._origins.check_host(scope, key_required=required)
        is_open = path in OPEN or (self._console and _is_console(path))
        if is_open:
            return
        address = scope["client"][0] if scope.get("client") else None
        credential: Credential | None = None
        if required:
            grant, credential = await self._authentication(scope, address)
        else:
            self._origins.check_page(scope)
            grant = ANYONE
        # Not reset: each request has its own context.
        current_caller.set(Caller(name=grant.name, key_id=grant.key_id, address=address))
        state = scope.setdefault("state", {})
        state["grant"], state["credential"] = grant, credential
        operation = self._operations.find(scope)
        try:
            if credential is not None:
                self._authentication.check_page(scope, credential)
            _authorise(scope, grant, operation)
        except (PermissionDenied, GalleryNotFound, CrossSite, CsrfTokenInvalid) as error:
            _note_denied(scope, operation, error.code)
            raise
        state["operation"] = operation


def _note_denied(scope: Scope, operation: Operation, code: str) -> None:
    """Counts the request for the audit record."""
    rejection = Rejection(
        action=Action.ACCESS_DENIED,
        caller=current_caller.get(),
        reason=code,
        operation=operation.operation_id,
        gallery=_shown(operation.gallery),
    )
    scope["app"].state.engine.rejections.add(rejection)


def _authorise(scope: Scope, grant: Grant, operation: Operation) -> None:
    """Raises PermissionDenied, GalleryNotFound. A path that does not exist and a page of the documentation
    need any valid key."""
    if operation.operation_id is None:
        return
    rule = RULES.get(operation.operation_id, FORGOTTEN)
    if rule.permission is not None:
        grant.check(rule.permission)
    if rule.gallery is GalleryAt.EVERY and grant.galleries.patterns is not None:
        raise PermissionDenied("this needs an API key for every gallery")
    if operation.gallery is not None:
        grant.check_gallery(operation.gallery)
    if rule.gallery is GalleryAt.QUERY:
        for name in filter(None, QueryParams(scope["query_string"]).getlist("gallery")):
            grant.check_gallery(name)


def _is_console(path: str) -> bool:
    """Its files: the sign-in page is one of them."""
    return path == "/" or path.startswith(CONSOLE)


def _answer(error: GemelError, scope: Scope) -> JSONResponse:
    """Names HTTP Basic only where it is accepted, and not to a script, or its browser asks for a password."""
    answer = response(error)
    modes = [value for name, value in scope["headers"] if name == b"sec-fetch-mode"]
    if isinstance(error, NotAuthenticated) and takes_password(scope) and modes in ([], [b"navigate"]):
        answer.headers["WWW-Authenticate"] += ', Basic realm="gemel"'
    return answer


def _shown(gallery: str | None) -> str | None:
    """A gallery's name for the audit record, if it can be one: anything else is text of the client's own."""
    return gallery if gallery is not None and re.fullmatch(NAME_PATTERN, gallery) else None
