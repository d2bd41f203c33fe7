"""The last warnings and errors of all processes, as operators read them over the API."""

import logging
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.errors import DatabaseUnavailable
from indexer.recent_errors import LoggedError
from indexer.records import logged_errors
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app

PATIENCE_SECONDS = 30.0


@pytest.fixture(autouse=True)
def _none_before(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("TRUNCATE logged_error"))


def listed(client: TestClient, at_least: int, **query: Any) -> list[dict[str, Any]]:
    """Once there are so many: processes store theirs every second."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: list[dict[str, Any]] = client.get("/v1/errors", params=query).json()["errors"]
        if len(found) >= at_least:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_an_error_of_a_request_is_listed_with_its_request_and_code(
    client: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE review RENAME TO review_away"))
    try:
        client.post("/v1/galleries", json={"name": "staff"})
        failed = client.get("/v1/galleries/staff/reviews", headers={"X-Request-Id": "of-this-test"})
    finally:
        with database.transaction() as session:
            session.execute(text("ALTER TABLE review_away RENAME TO review"))

    assert failed.status_code == 503
    [error] = listed(client, 1)
    assert (error["code"], error["request_id"]) == (failed.json()["code"], "of-this-test")
    assert (error["level"], error["logger"]) == ("error", "service.errors")
    assert error["message"] == failed.json()["detail"], "without its code, which is beside it"


def test_errors_are_listed_in_pages_the_newest_first_and_by_level(
    client: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        logged_errors.add(session, [entry(number) for number in range(5)], host="web-1", pid=7)

    first = client.get("/v1/errors", params={"limit": 3}).json()
    second = client.get("/v1/errors", params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [error["message"] for error in first["errors"] + second["errors"]] == ["4", "3", "2", "1", "0"]
    assert second["next_cursor"] is None
    warnings = client.get("/v1/errors", params={"level": "warning"}).json()["errors"]
    assert [error["message"] for error in warnings] == ["3", "1"]
    assert client.get("/v1/errors", params={"level": "fatal"}).status_code == 422


def test_a_process_that_logs_much_leaves_room_for_the_others(database: Database) -> None:
    with database.transaction() as session:
        logged_errors.add(session, [entry(0)], host="quiet", pid=1)
    for start in range(0, 2_000, 100):
        with database.transaction() as session:
            entries = [entry(number) for number in range(start, start + 100)]
            logged_errors.add(session, entries, host="noisy", pid=1)

    with database.reading() as session:
        rows = logged_errors.newest(session, limit=10_000)

    assert [row.host for row in rows].count("noisy") == logged_errors.MAX_ROWS_OF_PROCESS
    assert [row.host for row in rows].count("quiet") == 1
    assert rows[0].message == "1999"


def test_all_processes_together_store_so_many_at_most(database: Database) -> None:
    for pid in range(12):
        with database.transaction() as session:
            logged_errors.add(session, [entry(number) for number in range(100)], host="web-1", pid=pid)

    with database.reading() as session:
        rows = logged_errors.newest(session, limit=10_000)

    assert len(rows) == logged_errors.MAX_ROWS
    assert {row.pid for row in rows} == set(range(2, 12)), "the oldest are gone"


def test_an_old_error_goes_with_the_next_one(database: Database) -> None:
    with database.transaction() as session:
        logged_errors.add(session, [entry(0, at=datetime(2020, 1, 1, tzinfo=UTC))], host="web-1", pid=1)
    with database.transaction() as session:
        logged_errors.add(session, [entry(1)], host="web-2", pid=1)

    with database.reading() as session:
        assert [row.message for row in logged_errors.newest(session, limit=10)] == ["1"]


def test_errors_during_an_outage_are_stored_after_it(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the process serves meanwhile: storing them is never a cause of failure."""
    real = logged_errors.add
    away = True

    def add(*arguments: Any, **more: Any) -> None:
        if away:
            raise DatabaseUnavailable("PostgreSQL does not answer")
        real(*arguments, **more)

    monkeypatch.setattr(logged_errors, "add", add)
    with TestClient(create_app(settings)) as client:
        logging.getLogger("indexer.test").error("during the outage")
        assert client.get("/v1/indexes").status_code == 200
        away = False
        [error] = listed(client, 1)

    assert error["message"] == "during the outage"


def test_the_last_errors_of_a_process_that_ends_are_stored(settings: Settings, database: Database) -> None:
    with TestClient(create_app(settings)):
        logging.getLogger("indexer.test").error("the last one")

    with database.reading() as session:
        assert [row.message for row in logged_errors.newest(session, limit=10)] == ["the last one"]
    logging.getLogger("indexer.test").error("of no server")  # whose lines nobody collects


def entry(number: int, *, at: datetime | None = None) -> LoggedError:
    return LoggedError(
        at=at or datetime.now(UTC),
        level="warning" if number % 2 else "error",
        logger="indexer.test",
        code=None,
        message=str(number),
        request_id=None,
        suppressed=0,
    )
