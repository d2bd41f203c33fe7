"""The API key that a request carries in its header fields."""

import base64
import binascii

from starlette.types import Scope

from indexer.errors import NotAuthenticated
from service.middleware.path_prefix import route_path

DOCS = ("/docs", "/openapi.json")


def sent_key(scope: Scope) -> bytes | None:
    """Raises NotAuthenticated for a repeated field: a proxy might check one, this server another."""
    key, authorization = (_only(scope, name) for name in (b"x-api-key", b"authorization"))
    scheme, _, credentials = (authorization or b"").strip().partition(b" ")
    scheme, credentials = scheme.lower(), credentials.strip()
    if key is None and scheme == b"bearer":
        key = credentials
    if key is None and scheme == b"basic" and scope["method"] in ("GET", "HEAD") and takes_password(scope):
        key = _password(credentials)
    return key


def takes_password(scope: Scope) -> bool:
    """Whether the path accepts the key as the password of HTTP Basic.

    Browsers and many Prometheus setups know nothing else. Only paths that change nothing and reveal nobody
    accept it, because browsers attach a stored password to requests that other sites make.
    """
    path = route_path(scope)
    return path in ("/", "/metrics") or path.startswith(DOCS)


def _only(scope: Scope, name: bytes) -> bytes | None:
    values = [value for field, value in scope["headers"] if field == name]
    if len(values) > 1:
        raise NotAuthenticated(f"a request has the header field {name.decode()} at most once")
    return values[0] if values else None


def _password(encoded: bytes) -> bytes | None:
    try:
        return base64.b64decode(encoded).partition(b":")[2]
    except binascii.Error:
        return None
