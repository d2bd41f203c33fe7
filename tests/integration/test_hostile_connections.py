"""What a client may do before anybody knows who it is: a real `gemel serve`, bytes over sockets."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.home import Home, ready, wait_for
from tests.raw_http import Raw, connected, many, request

HEADER_SECONDS = 2
BODY_SECONDS = 2
MAX_CONNECTIONS = 60
MAX_REQUESTS = 4
SOON = 20
"""Seconds that are far more than it takes, on a machine that others use too."""


class Service:
    def __init__(self, base: str) -> None:
        self.base = base

    def memory_mb(self) -> float:
        """Resident memory of all processes that serve."""
        told = httpx2.get(f"{self.base}/metrics", timeout=60).text
        pids = set(re.findall(r'^gemel_index_galleries{pid="(\d+)"}', told, re.M)) or {self._pid}
        return sum(resident_mb(pid) for pid in pids)

    def health_seconds(self) -> float:
        began = time.monotonic()
        httpx2.get(f"{self.base}/healthz", timeout=60).raise_for_status()
        return time.monotonic() - began

    _pid = ""


def resident_mb(pid: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.M)[0]) / 1000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@contextlib.contextmanager
def serving(home: Home, *arguments: str, **environment: str) -> Iterator[Service]:
    limits = {
        "GEMEL_HEADER_TIMEOUT_S": str(HEADER_SECONDS),
        "GEMEL_BODY_TIMEOUT_S": str(BODY_SECONDS),
        "GEMEL_MAX_CONNECTIONS": str(MAX_CONNECTIONS),
        "GEMEL_MAX_REQUESTS": str(MAX_REQUESTS),
    }
    with home.server(*arguments, **(limits | environment)) as (base, process):
        service = Service(base)
        service._pid = str(process.pid)
        yield service


@pytest.fixture(scope="module", params=["1", "2"], ids=["one worker", "two workers"])
def service(request: pytest.FixtureRequest, home: Home) -> Iterator[Service]:
    with serving(home, "--workers", request.param) as service:
        if request.param == "2":
            wait_for(lambda: len(re.findall("Application startup complete", log(home))) == 2)
        yield service


@pytest.fixture(scope="module")
def base(service: Service) -> str:
    return service.base


@pytest.fixture(autouse=True)
def _still_serves(service: Service) -> Iterator[None]:
    """After each attack, and without an error in the log."""
    yield
    assert ready(service.base)
    assert service.health_seconds() < SOON


def log(home: Home) -> str:
    return (home.folder / "server.log").read_text()


def post(target: str, *headers: str) -> bytes:
    return request("POST", target, "Content-Type: application/json", *headers)


CHUNKED = post("/v1/galleries", "Transfer-Encoding: chunked")


def assert_rejected(raw: Raw, status: int, code: str) -> None:
    """With a problem, and the connection ends."""
    answer = raw.answer()
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["code"] == code
    assert raw.ends_within(SOON)


# Header blocks


@pytest.mark.parametrize(
    "endless",
    [
        (b"GET /healthz HTTP/1.1\r\nX-A: ", b"a" * 65_536),
        (b"GET /healthz HTTP/1.1\r\n", b"X-A: " + b"a" * 1000 + b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\n", b"a:\r\n" * 10_000),
        (b"GET /", b"a" * 65_536),
        (b"GET /healthz HTTP/1.1\r\n", b"a" * 65_536),
        (b"", b"\r\n" * 32_768),
    ],
    ids=["value", "fields", "short fields", "target", "name", "blank lines"],
)
def test_a_header_block_without_end_is_cut_off(service: Service, endless: tuple[bytes, bytes]) -> None:
    """It takes no memory, and nobody waits for it."""
    start, block = endless
    before = service.memory_mb()
    with connected(service.base) as raw:
        raw.send(start)
        sent = raw.send_while_open(block, times=64_000_000 // len(block))
        assert service.health_seconds() < SOON
        assert raw.ends_within(SOON)
    assert sent * len(block) < 16_000_000
    assert service.memory_mb() - before < 30


def test_header_fields_that_are_too_long_or_too_many_are_431(base: str) -> None:
    for fields in (["X-A: " + "a" * 40_000], [f"X-{n}: a" for n in range(300)]):
        with connected(base) as raw:
            raw.send(request("GET", "/healthz", *fields))
            assert_rejected(raw, 431, "header_too_large")


def test_header_fields_of_a_usual_size_are_read(base: str) -> None:
    with connected(base) as raw:
        raw.send(request("GET", "/healthz", "Cookie: " + "a" * 16_000, *[f"X-{n}: a" for n in range(100)]))
        answer = raw.answer()
    assert answer is not None
    assert answer.status == 200


def test_a_header_block_that_drips_is_408(base: str) -> None:
    with connected(base) as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        assert raw.drip(b"a" * 100, seconds=HEADER_SECONDS + SOON)
        assert_rejected(raw, 408, "request_too_slow")


def test_a_connection_that_says_nothing_is_closed(base: str) -> None:
    with connected(base) as raw:
        assert raw.ends_within(HEADER_SECONDS + SOON)


def test_the_second_header_block_of_a_connection_has_bounds_too(base: str) -> None:
    for rest, code in ((b"X-A: " + b"a" * 40_000, "header_too_large"), (b"X-A: a", "request_too_slow")):
        with connected(base) as raw:
            raw.send(request("GET", "/healthz"))
            first = raw.answer()
            assert first is not None
            assert first.status == 200
            raw.send(b"GET /healthz HTTP/1.1\r\n", rest)
            answer = raw.answer()
            assert answer is not None
            assert json.loads(answer.body)["code"] == code
            assert raw.ends_within(SOON)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=range(16),
)
def test_what_is_no_http_is_a_4xx_or_a_closed_connection(base: str, nonsense: bytes) -> None:
    with connected(base) as raw:
        raw.send(nonsense)
        answer = raw.answer()
        if answer is not None:
            assert 400 <= answer.status < 500
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "x"])
def test_a_request_that_offers_another_protocol_is_answered_in_this_one(base: str, protocol: str) -> None:
    """As Java's client offers HTTP/2 with each first request, body and all."""
    name = f"upgraded-{uuid4().hex}"
    body = json.dumps({"name": name}).encode()
    offer = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAEAAEAA")
    with connected(base) as raw:
        raw.send(post("/v1/galleries", f"Content-Length: {len(body)}", *offer), body)
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 201
        for _ in range(3):
            raw.send(request("GET", f"/v1/galleries/{name}", *offer) + request("HEAD", "/healthz"))
            got, head = raw.answer(), raw.answer(head=True)
            assert got is not None
            assert head is not None
            assert (got.status, head.status) == (200, 200)
    with connected(base) as raw:
        chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        raw.send(post("/v1/galleries", "Transfer-Encoding: chunked", *offer), chunk)
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 409


def status_of(base: str, *data: bytes) -> int:
    with connected(base) as raw:
        raw.send(*data)
        answer = raw.answer()
    assert answer is not None
    return answer.status


def test_the_host_of_an_absolute_target_counts(base: str) -> None:
    """And not the header field, as HTTP has it."""
    for target, host, status in (
        ("http://localhost/v1/galleries", "evil.example", 200),
        ("HTTP://LOCALHOST:80/v1/galleries?limit=1", "evil.example", 200),
        ("http://evil.example/v1/galleries", "localhost", 421),
        ("http://localhost@evil.example/v1/galleries", "localhost", 421),
        ("http://evil.example#localhost", "localhost", 400),
        ("https://evil.example", "localhost", 421),
        ("http://localhost?a=b", "evil.example", 307),
    ):
        assert status_of(base, request("GET", target, host=host)) == status, target
    assert status_of(base, request("GET", "http://localhost/v1/galleries", host=None)) == 200


def test_a_request_over_a_socket_names_its_host_once(base: str) -> None:
    for headers in (("Host: localhost", "Host: evil.example"), ("Host: localhost", "Host: localhost"), ()):
        assert status_of(base, request("GET", "/v1/galleries", *headers, host=None)) == 400
    assert status_of(base, b"GET /healthz HTTP/1.0\r\n\r\n") == 200


def test_a_request_is_the_same_byte_by_byte(base: str) -> None:
    """However it is cut up on its way, and whatever follows it."""
    name = f"cut-{uuid4().hex}"
    body = json.dumps({"name": name}).encode()
    half = len(body) // 2
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:half], body[half:]))
    whole = b"".join(
        (
            post("/v1/galleries", f"Content-Length: {len(body)}") + body,
            post("/v1/galleries", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n",
            request("GET", f"/v1/galleries/{name}"),
            request("DELETE", f"/v1/galleries/{name}"),
        )
    )
    for size in (1, 7, len(whole)):
        with connected(base) as raw:
            for start in range(0, len(whole), size):
                raw.send(whole[start : start + size])
            statuses = [answer.status for _ in range(4) if (answer := raw.answer(head=False)) is not None]
        assert statuses == [201, 409, 200, 204]


# Bodies


def test_a_body_that_drips_is_408(base: str) -> None:
    for head, data in (
        (post("/v1/galleries", "Content-Length: 1000"), b" " * 1000),
        (CHUNKED, b"1\r\n \r\n" * 100),
    ):
        with connected(base) as raw:
            raw.send(head)
            assert raw.drip(data, seconds=BODY_SECONDS + SOON)
            assert_rejected(raw, 408, "request_too_slow")


def test_a_body_that_never_ends_is_ended(base: str) -> None:
    """However fast it drips: too many bytes, or too many seconds."""
    with connected(base) as raw:
        raw.send(post("/v1/galleries", "Content-Length: 20000000"))
        end = time.monotonic() + BODY_SECONDS * 10 + SOON
        while time.monotonic() < end and raw.send_while_open(b" " * 20_000, times=1):
            time.sleep(0.1)
        assert time.monotonic() < end


def test_a_slow_client_is_not_a_dripping_one(base: str) -> None:
    """10 kB/s for longer than one window."""
    body = json.dumps({"name": f"slow-{uuid4().hex}"}).encode() + b" " * 40_000
    with connected(base) as raw:
        raw.send(post("/v1/galleries", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 1000):
            raw.send(body[start : start + 1000])
            time.sleep(0.1)
        answer = raw.answer()
    assert answer is not None
    assert answer.status == 201


def test_an_answered_request_whose_body_drips_is_ended(base: str) -> None:
    """413 is there at once; what is sent after it does not keep the connection."""
    with connected(base) as raw:
        raw.send(post("/v1/galleries", "Content-Length: 5000000000"))
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 413
        end = time.monotonic() + BODY_SECONDS + SOON
        while time.monotonic() < end and raw.send_while_open(b"a", times=1):
            time.sleep(0.05)
        assert time.monotonic() < end


@pytest.mark.parametrize(
    ("endless", "code"),
    [
        (b"5;a=" + b"x" * 60_000, "header_too_large"),
        (b"1;" + b"x" * 10_000 + b"\r\n \r\n", "malformed_request"),
        (b"1\r\n \r\n" * 10_000, "malformed_request"),
    ],
    ids=["one extension", "extensions", "tiny chunks"],
)
def test_chunks_cannot_be_next_to_nothing_but_framing(service: Service, endless: bytes, code: str) -> None:
    before = service.memory_mb()
    with connected(service.base) as raw:
        raw.send(CHUNKED)
        sent = raw.send_while_open(endless, times=64_000_000 // len(endless))
        assert raw.ends_within(SOON)
    assert sent * len(endless) < 16_000_000
    assert service.memory_mb() - before < 30
    with connected(service.base) as raw:
        raw.send(CHUNKED, *[endless] * (300_000 // len(endless)))
        assert_rejected(raw, 431 if code == "header_too_large" else 400, code)


def test_trailer_fields_are_bounded_and_ignored(base: str) -> None:
    name = f"trailed-{uuid4().hex}"
    body = json.dumps({"name": name}).encode()
    chunks = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n"
    with connected(base) as raw:
        raw.send(CHUNKED, chunks, b"Host: evil.example\r\nOrigin: https://evil.example\r\n\r\n")
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 201
    with connected(base) as raw:
        raw.send(CHUNKED, chunks, b"X-A: " + b"a" * 100_000)
        assert_rejected(raw, 431, "header_too_large")


def test_slow_bodies_take_no_slot(service: Service) -> None:
    """Ten times as many as there are slots, of which each other client gets what it asks for."""
    began = post("/v1/galleries", "Content-Length: 1000") + b'{"name": '
    with many(service.base, MAX_REQUESTS * 10, began):
        for _ in range(10):
            name = f"quick-{uuid4().hex}"
            httpx2.post(f"{service.base}/v1/galleries", json={"name": name}, timeout=60).raise_for_status()
        assert service.health_seconds() < SOON
        assert ready(service.base)


# Bodies that are costly to read


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


# Many connections


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


def test_who_does_not_read_the_answers_is_closed(service: Service) -> None:
    """A megabyte and a half each, of a page's script."""
    wanted = request("GET", "/docs/swagger-ui-bundle.js") * 20
    with connected(service.base) as raw:
        raw.send(wanted)
        wait_for(lambda: closed_by_peer(raw), BODY_SECONDS + SOON)


def closed_by_peer(raw: Raw) -> bool:
    """Without reading: a reset shows when something is sent."""
    return raw.send_while_open(b"\r\n", times=2) < 2
