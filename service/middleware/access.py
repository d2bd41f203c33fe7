"""Authentication. If an API key is set, every path except the health checks requires it."""

import base64
import binascii
import hmac
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.errors import CrossSite, HostNotAllowed, MalformedRequest, NotAuthenticated
from service.errors import response
from service.middleware.origins import Origins
from service.middleware.path_prefix import route_path

OPEN = {"/healthz", "/readyz"}
DOCS = ("/docs", "/openapi.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The authenticated caller. Today a caller may do everything."""

    name: str


class Access:
    """ASGI middleware: stores the Caller in the request's state, or answers 401 before the body is read."""

    def __init__(self, app: ASGIApp, *, api_key: str | None, origins: Origins) -> None:
        """With `api_key`, health checks are open under any host name: load balancers use their own."""
        self._app = app
        self._api_key = None if api_key is None else api_key.encode()
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope, is_open=route_path(scope) in OPEN)
            except (NotAuthenticated, CrossSite, HostNotAllowed, MalformedRequest) as error:
                await response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, *, is_open: bool) -> None:
        if self._api_key is None or not is_open:
            self._origins.check_host(scope)
        if is_open:
            return
        if self._api_key is None:
            self._origins.check_page(scope)
            caller = Caller(name="anyone on this machine")
        else:
            _check_key(scope, self._api_key)
            caller = Caller(name="the holder of GEMEL_API_KEY")
        scope.setdefault("state", {})["caller"] = caller


def _check_key(scope: Scope, expected: bytes) -> None:
    """Raises NotAuthenticated."""
    headers = dict(scope["headers"])
    scheme, _, credentials = headers.get(b"authorization", b"").strip().partition(b" ")
    scheme, credentials = scheme.lower(), credentials.strip()
    key = headers.get(b"x-api-key")
    if key is None and scheme == b"bearer":
        key = credentials
    if key is None and scheme == b"basic" and scope["method"] in ("GET", "HEAD") and _takes_password(scope):
        key = _password(credentials)
    if key is None:
        raise NotAuthenticated("send the API key in the header X-API-Key, or as Authorization: Bearer")
    if not hmac.compare_digest(key, expected):
        raise NotAuthenticated("this API key is not valid")


def _takes_password(scope: Scope) -> bool:
    """Whether the path accepts the key as the password of HTTP Basic.

    Browsers and many Prometheus setups know nothing else. Only paths that change nothing and reveal nobody
    accept it, because browsers attach a stored password to requests that other sites make.
    """
    path = route_path(scope)
    return path in ("/", "/metrics") or path.startswith(DOCS)


def _password(encoded: bytes) -> bytes | None:
    try:
        return base64.b64decode(encoded).partition(b":")[2]
    except binascii.Error:
        return None
