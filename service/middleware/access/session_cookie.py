"""The cookie of a session: its name, its attributes, and how it is read.

The prefixes of the name are those of RFC 6265bis: with `__Host-`, browsers take the cookie only from this
host, over HTTPS and for all paths, so that no other host of the domain can plant one; with `__Secure-`, only
over HTTPS.
"""

from starlette.types import Scope

from indexer.access.sign_in.token import is_token
from indexer.errors import NotAuthenticated

_NAME = "gemel-session"


def cookie_name(scope: Scope) -> str:
    """Over HTTPS, a cookie of another name is not read: it may have been planted over HTTP."""
    if scope["scheme"] != "https":
        return _NAME
    return f"__Secure-{_NAME}" if _path(scope) != "/" else f"__Host-{_NAME}"


def sent_token(scope: Scope) -> bytes | None:
    """The token in the cookie. Raises NotAuthenticated for two cookies of the name: another host of the
    domain may have planted one, and nothing says which."""
    name = cookie_name(scope).encode()
    values: list[bytes] = []
    for field, value in scope["headers"]:
        if field == b"cookie":
            pairs = (pair.strip().partition(b"=") for pair in value.split(b";"))
            values += [value for own, _, value in pairs if own == name]
    if len(values) > 1:
        raise NotAuthenticated("there are two cookies of a session: delete the cookies of this site")
    if not values or not values[0]:
        return None
    if not is_token(values[0]):
        raise NotAuthenticated("this is no cookie of a session: sign in again")
    return values[0]


def set_cookie(scope: Scope, token: str) -> str:
    """Value of the field `Set-Cookie`. The cookie ends with the browser at the latest."""
    return f"{cookie_name(scope)}={token}{_attributes(scope)}"


def clear_cookie(scope: Scope) -> str:
    return f"{cookie_name(scope)}={_attributes(scope)}; Max-Age=0"


def _attributes(scope: Scope) -> str:
    secure = "; Secure" if scope["scheme"] == "https" else ""
    return f"; Path={_path(scope)}; HttpOnly; SameSite=Strict{secure}"


def _path(scope: Scope) -> str:
    """Only the service's own: others on the same host do not get the cookie."""
    path: str = scope.get("root_path", "") or "/"
    return path
