"""Who may ask. Nothing but health is open where a key is set: what is not listed here is guarded."""

import base64
import binascii
import hmac
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.errors import CrossSite, NotAuthenticated
from service.errors import response

OPEN = {"/healthz", "/readyz"}
DOCS = ("/docs", "/openapi.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. Scoped keys will fill in more than the one who may do everything."""

    name: str


class Access:
    """ASGI middleware: puts the Caller into the request's state, or answers 401 before the body is read."""

    def __init__(self, app: ASGIApp, *, api_key: str | None) -> None:
        self._app = app
        self._api_key = None if api_key is None else api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                if self._api_key is None:
                    _refuse_other_sites(dict(scope["headers"]))
                scope.setdefault("state", {})["caller"] = self._caller(scope)
            except (NotAuthenticated, CrossSite) as error:
                await response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        if self._api_key is None:
            return Caller(name="anyone on this machine")
        headers = dict(scope["headers"])
        key = headers.get(b"x-api-key")
        if key is None and scope["method"] in ("GET", "HEAD") and _is_page(scope["path"]):
            key = _basic_password(headers.get(b"authorization", b""))
        if key is None:
            raise NotAuthenticated("send the API key in the header X-API-Key")
        if not hmac.compare_digest(key, self._api_key):
            raise NotAuthenticated("this API key is not valid")
        return Caller(name="the holder of GEMEL_API_KEY")


def _refuse_other_sites(headers: dict[bytes, bytes]) -> None:
    """Without a key whoever is on this machine may ask, but not a page of another site in their browser.

    A browser says where a request comes from (Fetch Metadata, and Origin for what is not a GET).
    Raises CrossSite.
    """
    origin = headers.get(b"origin")
    foreign = origin is not None and origin.partition(b"://")[2] != headers.get(b"host")
    if foreign or headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
        raise CrossSite("a page of another site may not ask a server without an API key")


def _is_page(path: str) -> bool:
    """Pages that a browser opens, which cannot send the header: there the key may come as a password.

    Only where nothing is changed or told of anybody: browsers send passwords along with the requests
    of other sites.
    """
    return path == "/" or path.startswith(DOCS)


def _basic_password(authorization: bytes) -> bytes | None:
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        return base64.b64decode(encoded).partition(b":")[2]
    except binascii.Error:
        return None
