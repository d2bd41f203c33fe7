"""Streams of clients that never read, send hardly anything, or are gone: the server serves others."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx2
import pytest

from tests.support.home import wait_for
from tests.support.hostile.raw_http import Raw, connected, many, request
from tests.support.hostile.service import BODY_SECONDS, SOON, Service

STREAM = request(
    "POST",
    "/v1/galleries/streamed/identify/stream",
    "Content-Type: application/x-ndjson",
    "Transfer-Encoding: chunked",
)
MEMORY_MB = 200


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def is_served(base: str) -> bool:
    """A server of four requests at once may be busy for a moment, with what the test before has left."""
    answer = httpx2.post(
        f"{base}/v1/galleries/streamed/identify/stream",
        content=b'{"image": "?"}\n',
        headers={"Content-Type": "application/x-ndjson"},
        timeout=60,
    )
    last = {"done": True, "lines": 1, "failed": 1}
    return answer.status_code == 200 and json.loads(answer.text.splitlines()[-1]) == last


@contextmanager
def begun(base: str, *data: bytes, status: int = 200) -> Iterator[Raw]:
    """A connection on which `data` was sent and the answer's first line has come. A server of four requests
    at once may ask to come again, as long as it works on what the test before has left."""
    deadline = time.monotonic() + 60
    while True:
        with connected(base) as raw:
            raw.send(*data)
            line = raw.reader.readline()
            if line.startswith(b"HTTP/1.1 503") and time.monotonic() < deadline:
                continue
            assert line.startswith(b"HTTP/1.1 %d" % status), line
            yield raw
            return


@pytest.fixture(autouse=True)
def _gallery(base: str) -> None:
    def is_there() -> bool:
        answer = httpx2.post(f"{base}/v1/galleries", json={"name": "streamed"}, timeout=60)
        return answer.status_code in (201, 409)

    wait_for(is_there)
    wait_for(lambda: is_served(base))


def test_a_client_that_never_reads_is_read_from_no_further_and_ended(base: str, service: Service) -> None:
    before = service.memory_mb()
    lines = chunk(b'{"image": "?"}\n' * 4000)
    with connected(base, receive_bytes=4096) as raw:
        raw.send(STREAM)
        raw.socket.settimeout(5)
        end = time.monotonic() + BODY_SECONDS + SOON
        while time.monotonic() < end and raw.send_while_open(lines, times=1):
            pass
    assert time.monotonic() < end
    assert service.memory_mb() - before < MEMORY_MB


def test_a_stream_that_drips_is_ended(base: str) -> None:
    with begun(base, STREAM, chunk(b'{"image": "?"}\n')) as raw:
        assert raw.ends_within(BODY_SECONDS * 2 + SOON)


def ends_however_much_is_sent(raw: Raw) -> bool:
    end = time.monotonic() + BODY_SECONDS + SOON
    while time.monotonic() < end:
        if not raw.send_while_open(chunk(b"A" * 60_000), times=1):
            return True
    return False


def test_a_stream_that_ended_early_reads_no_body_without_end(base: str) -> None:
    name = f"deleted-{uuid4().hex}"
    gallery = f"{base}/v1/galleries/{name}"
    wait_for(lambda: httpx2.post(f"{base}/v1/galleries", json={"name": name}, timeout=60).is_success)
    line = chunk(b'{"image": "%b"}\n' % base64.b64encode(b"no picture"))
    with begun(base, STREAM.replace(b"/streamed/", f"/{name}/".encode()), line) as raw:
        wait_for(lambda: httpx2.delete(gallery, timeout=60).status_code in (204, 404))
        raw.send(line)
        last = next(one for one in raw.reader if b'"done"' in one)
        assert (json.loads(last)["done"], json.loads(last)["code"]) == (False, "gallery_not_found")
        assert ends_however_much_is_sent(raw)


def test_a_stream_that_was_rejected_reads_no_body_without_end(base: str) -> None:
    with begun(base, STREAM.replace(b"/streamed/", b"/nobody/"), status=404) as raw:
        assert ends_however_much_is_sent(raw)


def test_streams_that_break_off_leave_the_server_free_for_others(base: str) -> None:
    with many(base, 20, STREAM + chunk(b'{"image": "' + b"A" * 10_000)) as streams:
        assert streams

    wait_for(lambda: is_served(base))
