"""A stream while it goes on: answers before its end, clients that stop reading, send nothing more or go away,
keys that are revoked or limited, a server that stops."""

import base64
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anyio.to_thread
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from indexer.access import keys
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.keys import COMMAND_LINE, NewKey
from indexer.access.roles import Role
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from service.routes.streams import AT_ONCE
from tests.support.streams import Conversation, converse

STREAM = "/v1/galleries/staff/identify/stream"
BOOTSTRAP = {"X-API-Key": "correct horse battery"}


@pytest.fixture
def served(database: Database, settings: Settings, hopper: bytes) -> Iterator[TestClient]:
    """With a gallery `staff` of one person; requests need a key."""
    with_key = settings.model_copy(update={"api_key": SecretStr(BOOTSTRAP["X-API-Key"])})
    with TestClient(create_app(with_key), raise_server_exceptions=False, headers=BOOTSTRAP) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        client.post(
            "/v1/galleries/staff/identities", data={"external_id": "grace"}, files=[("images", hopper)]
        ).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def line(hopper: bytes) -> bytes:
    return json.dumps({"image": base64.b64encode(hopper).decode()}).encode() + b"\n"


def issue(database: Database, **more: Any) -> tuple[Any, dict[str, str]]:
    issued = keys.create(database, NewKey(name="door", roles=[Role.IDENTIFY], **more), by=COMMAND_LINE)
    return issued.row.id, {"X-API-Key": issued.text}


def test_an_answer_comes_while_the_request_goes_on(served: TestClient, line: bytes) -> None:
    async def talk(stream: Conversation) -> None:
        for number in (1, 2, 3):
            await stream.send(line)
            assert json.loads(await stream.read())["line"] == number
        await stream.send(line[:1000])
        await stream.send(line[1000:], more=False)
        assert json.loads(await stream.read())["line"] == 4
        assert json.loads(await stream.read()) == {"done": True, "lines": 4, "failed": 0}

    converse(served, STREAM, BOOTSTRAP, talk)


def test_of_a_client_that_does_not_read_the_server_reads_no_more_than_it_works_on(
    served: TestClient, line: bytes
) -> None:
    async def talk(stream: Conversation) -> None:
        sent = 0
        while await stream.send_now(line):
            sent += 1
            assert sent < AT_ONCE + 6

        for _ in range(sent):
            await stream.read()
        assert await stream.send_now(line)

    converse(served, STREAM, BOOTSTRAP, talk)


def test_after_a_client_has_disconnected_nothing_is_left(
    served: TestClient, line: bytes, hopper: bytes
) -> None:
    state: Any = served.app.state  # type: ignore[attr-defined]
    free = state.stream_memory._left

    async def talk(stream: Conversation) -> None:
        await stream.send(line * 3 + line[:5000])
        await stream.disconnect()

    for _ in range(3):
        converse(served, STREAM, BOOTSTRAP, talk)

    assert state.stream_memory._left == free
    assert state.slots.working == 0
    assert served.post("/v1/galleries/staff/identify", files={"image": hopper}).status_code == 200


def test_a_key_that_is_revoked_ends_its_stream(served: TestClient, database: Database, line: bytes) -> None:
    key_id, headers = issue(database)

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        assert json.loads(await stream.read())["line"] == 1
        keys.revoke(database, key_id, by=COMMAND_LINE)
        last: dict[str, Any] = {}
        for number in range(2, 1000):  # a process hears of it within a second
            await stream.send(line)
            last = json.loads(await stream.read())
            if "done" in last:
                assert last["lines"] == number - 1
                break
        assert (last["done"], last["code"]) == (False, "not_authenticated")

    converse(served, STREAM, headers, talk)


def test_a_stream_ends_where_its_gallery_is_deleted(
    served: TestClient, database: Database, line: bytes
) -> None:
    def remove() -> None:
        with database.transaction() as session:
            session.execute(text("DELETE FROM gallery"))

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        await stream.read()
        await anyio.to_thread.run_sync(remove)
        await stream.send(line)
        last = json.loads(await stream.read())
        assert (last["done"], last["code"]) == (False, "gallery_not_found")

    converse(served, STREAM, BOOTSTRAP, talk)


def test_pictures_wait_for_the_limits_of_their_key(
    served: TestClient, database: Database, line: bytes
) -> None:
    """Three requests are there after a pause, one of them is the stream. Other pictures wait for tokens."""
    limits = KeyLimits(requests_per_second=3, max_concurrent=1)
    _, headers = issue(database, limits=limits)

    async def talk(stream: Conversation) -> None:
        await stream.send(line * 5, more=False)
        for _ in range(5):
            assert "code" not in json.loads(await stream.read())
        assert json.loads(await stream.read()) == {"done": True, "lines": 5, "failed": 0}

    converse(served, STREAM, headers, talk)

    rejected = [
        served.post(STREAM, content=b"", headers={**headers, "Content-Type": "application/x-ndjson"})
        for _ in range(6)
    ]
    assert 429 in [answer.status_code for answer in rejected]


def test_a_picture_that_waits_for_a_slot_takes_one_token(
    served: TestClient, database: Database, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = KeyLimits(requests_per_second=100, max_concurrent=1)
    key_id, headers = issue(database, limits=limits)
    state: Any = served.app.state  # type: ignore[attr-defined]
    limiter, begun = state.engine.key_limiter, 0
    begin = limiter.begin

    def counted(*given: Any) -> Any:
        nonlocal begun
        begun += 1
        return begin(*given)

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        await stream.read()
        admission = begin(key_id, limits)
        await anyio.to_thread.run_sync(limiter.complete, admission)
        monkeypatch.setattr(limiter, "begin", counted)
        sent = 0
        while await stream.send_now(line):  # until the server works on so many, and a second more
            sent += 1
        assert begun <= sent
        await anyio.to_thread.run_sync(limiter.finish, admission)
        assert "code" not in json.loads(await stream.read())

    converse(served, STREAM, headers, talk)


def test_a_picture_that_waits_for_its_key_notices_that_the_key_is_revoked(
    served: TestClient, database: Database, line: bytes
) -> None:
    key_id, headers = issue(database, limits=KeyLimits(requests_per_second=0.001))

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        keys.revoke(database, key_id, by=COMMAND_LINE)
        last = json.loads(await stream.read())
        assert (last["done"], last["code"], last["lines"]) == (False, "not_authenticated", 0)

    converse(served, STREAM, headers, talk)


def test_a_picture_that_waits_for_its_key_has_the_limits_that_the_key_gets(
    served: TestClient, database: Database, line: bytes
) -> None:
    key_id, headers = issue(database, limits=KeyLimits(requests_per_second=0.001))

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        keys.set_limits(database, key_id, {"requests_per_second": None}, by=COMMAND_LINE)
        assert json.loads(await stream.read())["line"] == 1

    converse(served, STREAM, headers, talk)


def test_a_server_that_stops_does_not_wait_for_the_limits_of_a_key(
    served: TestClient, database: Database, line: bytes
) -> None:
    _, headers = issue(database, limits=KeyLimits(requests_per_second=0.001))
    stop = SimpleNamespace(begun=False)
    served.app_state["stop"] = stop

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        stop.begun = True
        last = json.loads(await stream.read())
        assert (last["done"], last["code"], last["lines"]) == (False, "stopping", 0)

    converse(served, STREAM, headers, talk)


def test_a_key_without_the_permission_or_the_gallery_cannot_start(
    served: TestClient, database: Database
) -> None:
    lines = {"Content-Type": "application/x-ndjson"}
    _, elsewhere = issue(database, galleries=["visitors"])
    issued = keys.create(database, NewKey(name="reader", roles=[Role.READ]), by=COMMAND_LINE)

    assert served.post(STREAM, content=b"", headers=elsewhere | lines).status_code == 404
    assert served.post(STREAM, content=b"", headers={"X-API-Key": issued.text} | lines).status_code == 403


def test_a_server_that_stops_answers_what_it_has_read_and_says_so(served: TestClient, line: bytes) -> None:
    stop = SimpleNamespace(begun=False)
    served.app_state["stop"] = stop

    async def talk(stream: Conversation) -> None:
        await stream.send(line)
        stop.begun = True
        answers = [json.loads(await stream.read()) for _ in range(2)]
        assert answers[0]["line"] == 1
        assert (answers[1]["done"], answers[1]["code"], answers[1]["lines"]) == (False, "stopping", 1)

    converse(served, STREAM, BOOTSTRAP, talk)
