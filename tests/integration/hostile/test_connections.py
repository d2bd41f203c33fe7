"""Very many elements, connections and requests."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2
import pytest

from tests.support.home import wait_for
from tests.support.hostile.raw_http import Raw, connected, many, request
from tests.support.hostile.service import (
    BODY_SECONDS,
    MAX_CONNECTIONS,
    SOON,
    Service,
    post,
)

MILLION = 1_000_000
COSTLY = {
    "wrong elements": ("/v1/galleries/x/identities", b'{"images": [' + b"1," * MILLION + b"1]}"),
    "wrong numbers": ("/v1/galleries/x/search", b'{"embedding": [' + b'"a",' * MILLION + b'"a"]}'),
    "unknown keys": ("/v1/galleries", b"{" + b",".join(b'"%d":1' % n for n in range(MILLION)) + b"}"),
    "lists in lists": ("/v1/detect", b"[" * 15 * MILLION),
    "long numbers": ("/v1/galleries", b'{"a": [' + b",".join([b"9" * 4000] * 480) + b"]}"),
    "ampersands": ("/v1/detect", b"&" * 15 * MILLION),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_a_body_of_a_million_elements_costs_no_memory_and_nobody_waits(service: Service, kind: str) -> None:
    path, body = COSTLY[kind]
    media = "application/x-www-form-urlencoded" if kind == "ampersands" else "application/json"
    before = service.memory_mb()
    with ThreadPoolExecutor(4) as pool:
        answers = [
            pool.submit(
                httpx2.post,
                service.base + path,
                content=body,
                headers={"Content-Type": media},
                timeout=60,
            )
            for _ in range(8)
        ]
        while not all(answer.done() for answer in answers):
            assert service.health_seconds() < 5
        statuses = {answer.result().status_code for answer in answers}
    assert statuses <= {413, 422, 503}
    assert service.memory_mb() - before < 150


@pytest.mark.parametrize(
    "data",
    [b"", b"GET /healthz HTTP/1.1\r\n", post("/v1/galleries", "Content-Length: 1000") + b"{"],
    ids=["silent", "in the header block", "in the body"],
)
def test_a_new_client_is_answered_however_many_connections_wait(service: Service, data: bytes) -> None:
    """The one that has waited longest is closed for it."""
    with many(service.base, 3 * MAX_CONNECTIONS, data):
        for _ in range(5):
            name = f"new-{uuid4().hex}"
            httpx2.post(f"{service.base}/v1/galleries", json={"name": name}, timeout=60).raise_for_status()


def test_pipelined_requests_are_answered_in_order(base: str) -> None:
    with connected(base) as raw:
        raw.send(*[request("GET", f"/nothere/{n}") + request("HEAD", "/healthz") for n in range(10)])
        for _ in range(10):
            first, second = raw.answer(), raw.answer(head=True)
            assert first is not None
            assert second is not None
            assert (first.status, second.status) == (404, 200)


def test_a_flood_of_pipelined_requests_is_cut_off(service: Service) -> None:
    """After the last of those that were taken is answered."""
    flood = request("GET", "/healthz") * 5_000
    before = service.memory_mb()
    with connected(service.base) as raw:
        raw.send_while_open(flood, times=200)
        assert raw.ends_within(SOON)
    with connected(service.base) as raw:
        raw.send(request("GET", "/healthz") * 100)
        statuses = []
        while (answer := raw.answer()) is not None:
            statuses.append(answer.status)
    assert 30 <= len(statuses) < 100
    assert set(statuses) == {200}
    assert service.memory_mb() - before < 30


def test_a_client_that_does_not_read_the_answers_is_closed(service: Service) -> None:
    """A megabyte and a half each, of a page's script."""
    wanted = request("GET", "/docs/swagger-ui-bundle.js") * 20
    with connected(service.base) as raw:
        raw.send(wanted)
        wait_for(lambda: closed_by_peer(raw), BODY_SECONDS + SOON)


def test_who_hangs_up_in_the_middle_of_pipelined_requests_leaves_no_error(service: Service) -> None:
    """The log is looked at after each test: see `conftest.py`."""
    for _ in range(20):
        with connected(service.base) as raw:
            raw.send(request("GET", "/v1/galleries") * 20)
            assert raw.answer() is not None


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01", b"A" * 50_000, b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 300]
)
def test_what_came_before_nonsense_is_answered_and_then_the_connection_ends(
    base: str, nonsense: bytes
) -> None:
    with connected(base) as raw:
        raw.send(request("GET", "/v1/galleries") * 5, nonsense)
        answers = [raw.answer() for _ in range(5)]
        assert [answer is not None and answer.status for answer in answers] == [200] * 5
        assert raw.ends_within(SOON)


def test_what_follows_a_last_request_is_ignored(base: str) -> None:
    with connected(base) as raw:
        raw.send(request("GET", "/v1/galleries", "Connection: close"), b"junk" * 10_000)
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 200
        assert raw.ends_within(SOON)


def closed_by_peer(raw: Raw) -> bool:
    """Without reading: a reset shows when something is sent."""
    return raw.send_while_open(b"\r\n", times=2) < 2
