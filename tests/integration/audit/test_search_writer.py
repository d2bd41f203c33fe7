"""A search's event is committed before its answer leaves, together with those of other searches."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from indexer.callers import Caller, current_caller
from indexer.errors import Busy, DatabaseReadOnly
from indexer.records.audit.event import Action, AuditEvent
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.database.session import JOB_TIMEOUTS, Database
from tests.support.audit import last_number, rows_after

CLIENTS = 8


def event(number: int = 0) -> AuditEvent:
    return AuditEvent(action=Action.SEARCHED, gallery="staff", details={"search": number})


@contextmanager
def locked_head(database: Database) -> Iterator[None]:
    """Nobody can append to the record in the block."""
    with database.engine.begin() as connection:
        connection.execute(text("SELECT FROM audit_head FOR UPDATE"))
        yield


def wait_for_waiting(database: Database, connections: int) -> None:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with database.reading() as session:
        while session.scalar(query) != connections:
            pass


def test_an_event_is_committed_when_record_returns(database: Database) -> None:
    before = last_number(database)

    SearchWriter(database).record(event())

    [row] = rows_after(database, before)
    assert (row["action"], row["gallery"], row["details"]) == ("search.searched", "staff", '{"search":0}')


def test_events_that_wait_at_the_same_time_share_one_transaction_and_keep_their_callers(
    database: Database,
) -> None:
    before, writer = last_number(database), SearchWriter(database)

    def search(number: int) -> None:
        current_caller.set(Caller(name=f"client {number}"))
        writer.record(event(number))

    with ThreadPoolExecutor(CLIENTS) as pool:
        with locked_head(database):
            first = pool.submit(search, 0)
            wait_for_waiting(database, 1)
            others = [pool.submit(search, number) for number in range(1, CLIENTS)]
            while writer.waiting < CLIENTS - 1:
                pass
        for one in (first, *others):
            one.result()

    rows = rows_after(database, before)
    assert {(row["caller"], row["details"]) for row in rows} == {
        (f"client {number}", f'{{"search":{number}}}') for number in range(CLIENTS)
    }
    assert len({row["at"] for row in rows}) == 2


def test_where_postgresql_is_read_only_the_search_fails(database: Database, migrated: str) -> None:
    with read_only(migrated) as standby, pytest.raises(DatabaseReadOnly):
        SearchWriter(standby).record(event())


def test_where_events_are_not_required_a_read_only_postgresql_serves_searches(
    database: Database, migrated: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = last_number(database)
    with read_only(migrated) as standby:
        SearchWriter(standby, required=False).record(event())

    assert rows_after(database, before) == []
    assert "a search is not in the audit record" in caplog.text


def test_an_event_that_is_no_json_fails_alone(database: Database) -> None:
    before, writer = last_number(database), SearchWriter(database)
    with pytest.raises(ValueError, match="JSON"):
        writer.record(AuditEvent(action=Action.SEARCHED, details={"score": float("nan")}))

    writer.record(event())

    assert len(rows_after(database, before)) == 1


def test_a_batch_that_cannot_be_written_fails_for_all_that_wait_and_the_next_is_written(
    database: Database, migrated: str
) -> None:
    before = last_number(database)
    impatient = Database(migrated, timeouts=replace(JOB_TIMEOUTS, lock_seconds=0.2))
    writer = SearchWriter(impatient)
    try:
        with ThreadPoolExecutor(CLIENTS) as pool, locked_head(database):
            for one in [pool.submit(writer.record, event(number)) for number in range(CLIENTS)]:
                with pytest.raises(Busy):
                    one.result()
        writer.record(event())
    finally:
        impatient.close()

    assert len(rows_after(database, before)) == 1


def test_more_events_than_may_wait_get_busy(database: Database) -> None:
    writer = SearchWriter(database, max_waiting=1)
    with ThreadPoolExecutor(2) as pool, locked_head(database):
        pool.submit(writer.record, event())
        wait_for_waiting(database, 1)
        pool.submit(writer.record, event())
        while writer.waiting < 1:
            pass

        with pytest.raises(Busy):
            writer.record(event())


def test_where_the_audit_is_off_no_search_is_written(database: Database, migrated: str) -> None:
    before, off = last_number(database), Database(migrated, audit=False)
    try:
        SearchWriter(off).record(event())
    finally:
        off.close()

    assert rows_after(database, before) == []


@contextmanager
def read_only(url: str) -> Iterator[Database]:
    """The same database, as a standby offers it."""
    database = Database(url + "&options=-cdefault_transaction_read_only%3Don", pool_size=2)
    try:
        yield database
    finally:
        database.close()
