"""Checks the host name that a request is for, and the origin of the page that sent it.

This protects a server without an API key from web pages. Any site may resolve its own name to 127.0.0.1 (DNS
rebinding); a browser then takes this server for that site, and only the header `Host` shows it.
"""

import ipaddress
import re
from collections.abc import Collection

from starlette.types import Scope

from indexer.errors import CrossSite, HostNotAllowed, MalformedRequest

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(?::(\d{1,5}))?")
_OWN_PAGES = {b"same-origin", b"none"}
"""Values of Sec-Fetch-Site for a page of this server and for a URL typed by the user."""
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Origins:
    def __init__(self, *, hosts: Collection[str], pages: Collection[str]) -> None:
        """`hosts`: allowed names; `*.example.org` allows all names below it, `*` allows all; none: loopback
        names only, and all names where a key is required. `pages`: origins of other sites whose pages may
        send requests."""
        self._any_with_key = not hosts
        self._hosts = {host for host in hosts if not host.startswith("*.")}
        self._domains = tuple(host[1:] for host in hosts if host.startswith("*."))
        self._pages = {page.encode() for page in pages}

    def check_host(self, scope: Scope, *, key_required: bool) -> None:
        """Loopback names are always allowed. Raises HostNotAllowed, MalformedRequest."""
        hosts = _values(scope, b"host")
        if not hosts and scope.get("http_version") == "1.0":
            return  # health checks may use HTTP/1.0; a browser always sends Host
        if len(hosts) != 1:
            raise MalformedRequest("a request must have the header field Host exactly once")
        host = hosts[0].decode("latin-1").lower()
        found = _AUTHORITY.fullmatch(host)
        name = found[1].rstrip(".") if found else ""
        if not name or not (
            "*" in self._hosts
            or (self._any_with_key and key_required)
            or name in self._hosts
            or name.endswith(self._domains)
            or _is_loopback(name)
        ):
            raise HostNotAllowed(
                f"this server does not accept the host name {host[:100]!r}; set GEMEL_ALLOWED_HOSTS to the"
                " names that it has besides localhost"
            )

    def check_page(self, scope: Scope) -> None:
        """Browsers say where a request comes from: Sec-Fetch-Site, and Origin unless the method is GET.

        Raises CrossSite.
        """
        origins = [origin.lower() for origin in _values(scope, b"origin")]
        if origins and all(origin in self._pages for origin in origins):
            return
        if not _is_own_page(scope, origins):
            raise CrossSite("pages of other sites may not use a server without an API key")

    def check_own_page(self, scope: Scope) -> None:
        """For requests with a cookie, which no page of another site may use, whatever the settings allow.

        Raises CrossSite.
        """
        sites = _values(scope, b"sec-fetch-site")
        if sites == [b"same-origin"]:
            return  # also where a proxy has replaced `Host`
        if not _is_own_page(scope, [origin.lower() for origin in _values(scope, b"origin")]):
            raise CrossSite("only pages of this server may use a session's cookie")


def _is_own_page(scope: Scope, origins: list[bytes]) -> bool:
    hosts = _values(scope, b"host")
    own = hosts[0] if hosts else b""
    sites = {site.lower() for site in _values(scope, b"sec-fetch-site")}
    return sites <= _OWN_PAGES and all(_is_of(origin, own) for origin in origins)


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value.strip() for field, value in scope["headers"] if field.lower() == name]


def _is_of(origin: bytes, host: bytes) -> bool:
    """Whether `origin` is a page of `host`: the same name and port, whatever the scheme."""
    scheme, separator, authority = origin.decode("latin-1").partition("://")
    if not separator:
        return False
    default = _DEFAULT_PORTS.get(scheme)
    own = _name_and_port(host.decode("latin-1"), default)
    return own is not None and own == _name_and_port(authority, default)


def _name_and_port(authority: str, default: str | None) -> tuple[str, str | None] | None:
    found = _AUTHORITY.fullmatch(authority.lower())
    return None if found is None else (found[1], found[2] or default)


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback  # older Pythons answer False for a mapped address
