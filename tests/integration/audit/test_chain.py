"""The events of a transaction are in the audit record if and only if the transaction was committed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from indexer.callers import Caller, current_caller
from indexer.records.audit.chain import START, append, entry, row_hash
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.audit.partitions import make_ahead
from indexer.records.database.session import Database
from tests.support.audit import last_number, rows_after


def test_a_committed_event_follows_the_last_one(database: Database) -> None:
    before = last_number(database)
    caller = Caller(name="desk\x1b[2J\n", key_id=uuid4(), address="192.0.2.7")
    token = current_caller.set(caller)
    try:
        with database.transaction() as session:
            event = record(
                session, AuditEvent(action=Action.GALLERY_CREATED, gallery="a" * 999, details={"faces": 0.1})
            )
    finally:
        current_caller.reset(token)

    [row] = rows_after(database, before)
    assert row["number"] == before + 1
    assert row["id"] == event
    assert row["caller"] == "desk\\x1b[2J\\n"
    assert (row["key_id"], row["address"]) == (caller.key_id, caller.address)
    assert len(row["gallery"]) == 255
    assert row["details"] == '{"faces":0.1}'
    assert abs(row["at"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_each_row_has_the_hash_of_the_one_before_it(database: Database) -> None:
    for count in (1, 3):
        with database.transaction() as session:
            for _ in range(count):
                record(session, AuditEvent(action=Action.EXPORTED, identity_id=uuid4()))

    previous = START
    rows = rows_after(database, 0)
    assert len(rows) >= 4
    for number, row in enumerate(rows, 1):
        assert row["number"] == number
        assert row["previous_hash"] == previous
        previous = row_hash(previous, row)
        assert row["hash"] == previous


def test_a_rollback_leaves_no_event(database: Database) -> None:
    before = last_number(database)
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        record(session, AuditEvent(action=Action.EXPORTED))
        raise ZeroDivisionError

    assert rows_after(database, before) == []


def test_where_the_audit_is_off_nothing_is_written(database: Database, migrated: str) -> None:
    before = last_number(database)
    off = Database(migrated, audit=False)
    try:
        with off.transaction() as session:
            record(session, AuditEvent(action=Action.EXPORTED))
    finally:
        off.close()

    assert rows_after(database, before) == []


def test_writers_at_the_same_time_leave_one_chain(database: Database) -> None:
    before, writers, each = last_number(database), 8, 20
    start = threading.Barrier(writers)

    def write(_: int) -> list[UUID]:
        start.wait()
        ids = []
        for _ in range(each):
            with database.transaction() as session:
                ids.append(record(session, AuditEvent(action=Action.EXPORTED)))
        return ids

    with ThreadPoolExecutor(writers) as pool:
        written = {id for ids in pool.map(write, range(writers)) for id in ids}

    rows = rows_after(database, before)
    assert {row["id"] for row in rows} == written
    assert [row["number"] for row in rows] == list(range(before + 1, before + 1 + writers * each))
    assert all(row["hash"] == row_hash(row["previous_hash"], row) for row in rows)
    assert all(a["hash"] == b["previous_hash"] for a, b in pairwise(rows))
    assert all(a["at"] <= b["at"] for a, b in pairwise(rows))


def test_where_the_clock_is_set_back_the_time_does_not_decrease(database: Database) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with database.transaction() as session:
        session.execute(text("UPDATE audit_head SET at = :at"), {"at": tomorrow})
        append(session, [entry(AuditEvent(action=Action.EXPORTED))])
        last = session.execute(text("SELECT at FROM audit_event ORDER BY number DESC LIMIT 1")).scalar_one()
        assert last == tomorrow
        session.rollback()


def test_rows_of_a_month_without_a_partition_move_to_it_once_it_is_made(database: Database) -> None:
    far = "'2011-02-03 04:05Z'"
    with database.engine.connect() as connection:  # and rolled back
        connection.execute(
            text(
                "INSERT INTO audit_event (number, id, at, action, caller, details, previous_hash, hash)"
                f" VALUES (0, gen_random_uuid(), {far}, 'x', 'x', '{{}}', '', '')"
            )
        )
        place = text(f"SELECT tableoid::regclass::text FROM audit_event WHERE at = {far}")
        assert connection.scalar(place) == "audit_event_default"

        assert make_ahead(connection) == ["audit_event_2011_02"]

        assert connection.scalar(place) == "audit_event_2011_02"
        assert make_ahead(connection) == []


def test_the_partitions_of_this_month_and_the_next_three_are_made_ahead(database: Database) -> None:
    with database.engine.connect() as connection:
        for days in (0, 31, 61):
            name = connection.scalar(
                text(
                    "SELECT to_regclass('audit_event_' || to_char(now() + :d * interval '1 day', 'YYYY_MM'))"
                ),
                {"d": days},
            )
            assert name is not None
