"""Authentication and authorisation, before the body is read. `service/permissions.py` has the rules."""

import asyncio
import base64
import binascii
import re

from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.access.authenticator import Authenticator
from indexer.access.grant import Grant
from indexer.access.key_text import prefix_of
from indexer.access.rejections import Rejection
from indexer.callers import Caller, current_caller
from indexer.errors import (
    Busy,
    DatabaseUnavailable,
    GalleryNotFound,
    GemelError,
    NotAuthenticated,
    PermissionDenied,
)
from indexer.records.audit.event import Action
from indexer.records.galleries import NAME_PATTERN
from service.errors import response
from service.middleware.access.guesses import Guesses
from service.middleware.access.key_limits import KeyLimitation
from service.middleware.access.operations import Operation, Operations
from service.middleware.access.origins import Origins
from service.middleware.path_prefix import route_path
from service.permissions import FORGOTTEN, RULES, GalleryAt

OPEN = {"/healthz", "/readyz"}
CONSOLE = "/console/"
DOCS = ("/docs", "/openapi.json")
CHECK_SECONDS = 1.0
"""How long a request waits until PostgreSQL has answered whether its key is still valid."""
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
        guesses: Guesses,
        key_limitation: KeyLimitation,
        console: bool,
    ) -> None:
        """`console`: whether the files of the console are served."""
        self._app = app
        self._console = console
        self._key_limitation = key_limitation
        self._origins = origins
        self._operations = operations
        self._guesses = guesses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await self._admit(scope, scope["app"].state.engine.authenticator)
            except GemelError as error:
                await self._key_limitation(scope, receive, send, response(error))
                return
        await self._key_limitation(scope, receive, send, self._app)
        state = scope.get("state", {})
        if (
            state.get("problem", {}).get("code") == PermissionDenied.code
        ):  # by a route, after the body was read
            _note_denied(scope, state["operation"], PermissionDenied.code)

    async def _admit(self, scope: Scope, authenticator: Authenticator) -> None:
        """Raises NotAuthenticated, PermissionDenied, GalleryNotFound, DatabaseUnavailable, and what
        `Origins` raises."""
        required, path = authenticator.required, route_path(scope)
        if not (required and path in OPEN):  # load balancers use names of their own
            self._origins.check_host(scope, key_required=required)
        is_open = path in OPEN or (self._console and _is_console(path))
        if is_open:
            return
        address = scope["client"][0] if scope.get("client") else None
        if required:
            grant = await self._authenticate(scope, authenticator, address)
        else:
            self._origins.check_page(scope)
            grant = ANYONE
        # Not reset: each request has its own context.
        current_caller.set(Caller(name=grant.name, key_id=grant.key_id, address=address))
        state = scope.setdefault("state", {})
        state["grant"] = grant
        operation = self._operations.find(scope)
        try:
            _authorise(scope, grant, operation)
        except (PermissionDenied, GalleryNotFound) as error:
            _note_denied(scope, operation, error.code)
            raise
        state["operation"] = operation

    async def _authenticate(self, scope: Scope, authenticator: Authenticator, address: str | None) -> Grant:
        """Raises NotAuthenticated, DatabaseUnavailable."""
        key = _sent_key(scope)
        if key is None:
            raise NotAuthenticated("send the API key in the header X-API-Key, or as Authorization: Bearer")
        grant = await _recognise(authenticator, key)
        if grant is not None:
            return grant
        prefix = prefix_of(key)
        scope["app"].state.engine.rejections.add(
            Rejection(
                action=Action.AUTHENTICATION_FAILED,
                caller=Caller(name="unknown", address=address),
                reason=f"key {prefix}" if prefix else "not a key",
            )
        )
        await self._guesses.pause(address or "")
        raise NotAuthenticated("this API key is not valid")


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


async def _recognise(authenticator: Authenticator, key: bytes) -> Grant | None:
    """Raises DatabaseUnavailable if PostgreSQL does not answer and the key is unknown, or if it has not
    answered for so long that no stored key is valid."""
    grant = authenticator.find(key)
    if authenticator.is_current(grant, key):
        return grant
    try:
        await asyncio.wait_for(asyncio.wrap_future(authenticator.request_check()), CHECK_SECONDS)
    except (TimeoutError, DatabaseUnavailable, Busy):
        if grant is None:  # it may have been created just now
            raise DatabaseUnavailable("this API key cannot be checked: PostgreSQL does not answer") from None
        authenticator.check_grace()
        return grant
    return authenticator.find(key)


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


def _sent_key(scope: Scope) -> bytes | None:
    """Raises NotAuthenticated for a field that comes twice: a proxy might check one, and this the other."""
    key, authorization = (_only(scope, name) for name in (b"x-api-key", b"authorization"))
    scheme, _, credentials = (authorization or b"").strip().partition(b" ")
    scheme, credentials = scheme.lower(), credentials.strip()
    if key is None and scheme == b"bearer":
        key = credentials
    if key is None and scheme == b"basic" and scope["method"] in ("GET", "HEAD") and _takes_password(scope):
        key = _password(credentials)
    return key


def _only(scope: Scope, name: bytes) -> bytes | None:
    values = [value for field, value in scope["headers"] if field == name]
    if len(values) > 1:
        raise NotAuthenticated(f"a request has the header field {name.decode()} at most once")
    return values[0] if values else None


def _takes_password(scope: Scope) -> bool:
    """Whether the path accepts the key as the password of HTTP Basic.

    Browsers and many Prometheus setups know nothing else. Only paths that change nothing and reveal nobody
    accept it, because browsers attach a stored password to requests that other sites make.
    """
    path = route_path(scope)
    return path in ("/", "/metrics") or path.startswith(DOCS)


def _is_console(path: str) -> bool:
    """Its files: the sign-in page is one of them."""
    return path == "/" or path.startswith(CONSOLE)


def _password(encoded: bytes) -> bytes | None:
    try:
        return base64.b64decode(encoded).partition(b":")[2]
    except binascii.Error:
        return None


def _shown(gallery: str | None) -> str | None:
    """A gallery's name for the audit record, if it can be one: anything else is text of the client's own."""
    return gallery if gallery is not None and re.fullmatch(NAME_PATTERN, gallery) else None
