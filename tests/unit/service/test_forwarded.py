"""The client's address behind proxies, and clients that claim another."""

import anyio
import pytest
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from indexer.settings import Settings
from service.middleware.forwarded import ForwardedAddress

PROXIES = "10.0.0.1, 10.1.0.0/16, ::1"


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def unanswered(_: Message) -> None:
    pass


def client_of(peer: str, *forwarded: str, proxies: str | None = PROXIES, proto: str = "") -> tuple[str, str]:
    """Address and scheme that the application sees, of a request with these fields `X-Forwarded-For`."""
    found: list[tuple[str, str]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    if proto:
        headers.append((b"x-forwarded-proto", proto.encode()))
    scope = {"type": "http", "scheme": "http", "client": (peer, 1234), "headers": headers}
    networks = Settings(forwarded_allow_ips=proxies).forwarded_networks
    anyio.run(ForwardedAddress(application, proxies=networks), scope, nothing, unanswered)
    return found[0]


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.1", "192.0.2.9"])
def test_by_default_forwarded_addresses_are_ignored(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert client_of(peer, "198.51.100.7", proxies=None, proto="https") == (peer, "http")


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.9", "10.0.0.2", "10.2.0.1", "testclient"])
def test_a_forwarded_address_is_ignored_unless_a_proxy_sends_it(peer: str) -> None:
    assert client_of(peer, "198.51.100.7", proto="https") == (peer, "http")


@pytest.mark.parametrize("peer", ["10.0.0.1", "10.1.200.3", "::1", "::ffff:10.0.0.1"])
def test_a_proxy_is_believed(peer: str) -> None:
    assert client_of(peer, "198.51.100.7", proto="https") == ("198.51.100.7", "https")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["203.0.113.1, 198.51.100.7"], "198.51.100.7"),
        (["203.0.113.1", "198.51.100.7"], "198.51.100.7"),
        (["10.1.0.5, 198.51.100.7"], "198.51.100.7"),
        (["203.0.113.1, 198.51.100.7, 10.1.0.5"], "198.51.100.7"),
        (["10.1.0.4, 10.1.0.5"], "10.1.0.4"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:DB8:0::7"], "2001:db8::7"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7, unknown"], "10.0.0.1"),
        (["\x1b[2J, 10.1.0.5"], "10.1.0.5"),
        (["fe80::1%forged line"], "10.0.0.1"),
        (["198.51.100.7,"], "10.0.0.1"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_last_address_that_is_no_proxys_is_the_clients(forwarded: list[str], client: str) -> None:
    assert client_of("10.0.0.1", *forwarded)[0] == client


@pytest.mark.parametrize("proto", ["ftp", "HTTPS://", "https, http", "javascript"])
def test_no_scheme_but_http_and_https_is_taken_over(proto: str) -> None:
    assert client_of("10.0.0.1", proto=proto)[1] == "http"


@pytest.mark.parametrize("proxies", ["*", "proxy.example.org", "10.0.0.1/8", "10.0.0.1 10.0.0.2", "unix:"])
def test_proxies_are_addresses_or_networks(proxies: str) -> None:
    with pytest.raises(ValidationError, match="forwarded_allow_ips"):
        Settings(forwarded_allow_ips=proxies)
