"""The audit record in PostgreSQL: tampering is found, old months are pruned, it is exported."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from indexer.audit import anchors, exports, retention
from indexer.audit.verification import Damage, Verification, verify, verify_rows
from indexer.errors import InvalidRequest
from indexer.records import embedded
from indexer.records.audit import partitions, rows
from indexer.records.audit.chain import START
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.audit.rows import Filter
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.database.session import Database, Session
from tests.support.home import Home


def add(database: Database, count: int = 1, **fields: object) -> list[int]:
    """Their numbers."""
    for _ in range(count):
        with database.transaction() as session:
            record(session, AuditEvent(**({"action": Action.EXPORTED} | fields)))  # type: ignore[arg-type]
    with database.reading() as session:
        last = rows.head(session).number
    return list(range(last - count + 1, last + 1))


@pytest.fixture
def record_of(tmp_path: Path, migrated_cluster: Path) -> Iterator[Database]:
    """A database whose record may be damaged."""
    with Home(tmp_path, cluster=migrated_cluster) as home:
        database = Database(embedded.start(home.folder))
        yield database
        database.close()
        embedded.stop(home.folder)


@contextmanager
def tampering(database: Database, statement: str) -> Iterator[Session]:
    """Undone at the end of the block."""
    with database.transaction() as session:
        session.execute(text(statement))
        yield session
        session.rollback()


def verified(session: Session) -> Verification:
    return verify_rows(rows.oldest_first(session), start=rows.start(session), head=rows.head(session))


def damage(result: Verification) -> set[tuple[int, Damage]]:
    return {(problem.number, problem.damage) for problem in result.problems}


def test_an_untouched_record_is_intact(database: Database) -> None:
    [last] = add(database, identity_id=uuid4(), details={"score": 0.1 + 0.2, "name": "Jörg \u0000\ud800"})

    result = verify(database)

    assert result.intact, result.problems
    assert (result.first, result.last, result.rows) == (1, last, last)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE audit_event SET caller = 'x' WHERE number = {b}", {("b", Damage.CHANGED)}),
        ("UPDATE audit_event SET details = '{{ }}' WHERE number = {b}", {("b", Damage.CHANGED)}),
        ("UPDATE audit_event SET at = at - interval '1 us' WHERE number = {b}", {("b", Damage.CHANGED)}),
        ("DELETE FROM audit_event WHERE number = {b}", {("b", Damage.REMOVED)}),
        ("DELETE FROM audit_event WHERE number >= {b}", {("b", Damage.TRUNCATED)}),
        (
            "UPDATE audit_event SET number = CASE number WHEN {b} THEN {c} ELSE {b} END"
            " WHERE number IN ({b}, {c})",
            {("b", Damage.MOVED), ("c", Damage.MOVED)},
        ),
        (
            "INSERT INTO audit_event SELECT number, id, at + interval '1 us', 'x', caller, key_id, address,"
            " request_id, gallery, identity_id, details, previous_hash, hash FROM audit_event"
            " WHERE number = {b}",
            {("b", Damage.INSERTED), ("b", Damage.CHANGED)},
        ),
        ("UPDATE audit_head SET hash = decode(repeat('00', 32), 'hex')", {("d", Damage.REWRITTEN)}),
        ("UPDATE audit_head SET number = number + 1", {("e", Damage.TRUNCATED)}),
    ],
)
def test_tampering_by_sql_is_found(
    database: Database, statement: str, expected: set[tuple[str, Damage]]
) -> None:
    numbers = dict(zip("abcd", add(database, 4), strict=True))
    numbers["e"] = numbers["d"] + 1

    with tampering(database, statement.format(**numbers)) as session:
        result = verified(session)

    assert damage(result) == {(numbers[letter], kind) for letter, kind in expected}


def test_a_record_that_was_emptied_is_found_by_an_anchor(record_of: Database, tmp_path: Path) -> None:
    """With the head set back too, as by a backup that was restored."""
    add(record_of, 3)
    anchors.append(anchors.take(record_of, ["file"]), tmp_path / "anchors")
    assert verify(record_of, anchors.read(tmp_path / "anchors")).intact
    with record_of.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_event WHERE number > 2"))
        connection.execute(
            text(
                "UPDATE audit_head SET (number, hash, at) ="
                " (SELECT number, hash, at FROM audit_event WHERE number = 2)"
            )
        )

    assert verify(record_of).intact
    assert damage(verify(record_of, anchors.read(tmp_path / "anchors"))) == {(3, Damage.TRUNCATED)}


def test_a_pruned_record_begins_with_the_first_row_of_the_month(record_of: Database) -> None:
    old, early = add(record_of, 3), datetime.now(UTC) - timedelta(days=70)
    backdate(record_of, early)
    new = add(record_of, 2)
    assert verify(record_of).intact

    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    pruned = retention.prune(record_of, month)

    assert (pruned.months, pruned.rows, pruned.last_number) == ([f"{early:%Y-%m}"], 3, old[-1])
    result = verify(record_of)
    assert result.intact, result.problems
    assert (result.first, result.rows) == (new[0], 3)
    with record_of.reading() as session:
        [closing] = rows.newest(session, Filter(action="audit.pruned"), before=None, limit=9)
    assert json.loads(closing.details)["last_number"] == old[-1]
    assert retention.prune(record_of, month).rows == 0
    with tampering(record_of, f"DELETE FROM audit_event WHERE number = {new[0]}") as session:
        assert damage(verified(session)) == {(new[0], Damage.REMOVED)}


@pytest.mark.parametrize("prune_first", [True, False])
def test_searches_and_changes_that_are_recorded_during_a_prune_wait_for_it(
    record_of: Database, prune_first: bool
) -> None:
    add(record_of, 3)
    backdate(record_of, datetime.now(UTC) - timedelta(days=70))
    add(record_of, 1)
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    tasks: list[Callable[[], object]] = [
        partial(retention.prune, record_of, month),
        partial(SearchWriter(record_of).record, AuditEvent(action=Action.SEARCHED)),
        partial(add, record_of),
        partial(partitions.ensure, record_of),
    ]
    with ThreadPoolExecutor(len(tasks)) as pool:
        with record_of.engine.begin() as connection:
            connection.execute(text("SELECT FROM audit_head FOR UPDATE"))
            started = []
            for task in tasks if prune_first else reversed(tasks):
                started.append(pool.submit(task))
                wait_until(lambda: waiting(record_of) == len(started) or started[-1].done())
        for one in started:
            one.result()

    result = verify(record_of)
    assert result.intact, result.problems
    with record_of.reading() as session:
        found = rows.newest(session, Filter(), before=None, limit=3)
    assert {row.action for row in found} == {"search.searched", "data.exported", "audit.pruned"}


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


def waiting(database: Database) -> int:
    with database.reading() as session:
        query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return int(session.execute(query).scalar_one())


def test_processes_that_make_the_partitions_at_the_same_time_share_the_work(record_of: Database) -> None:
    with record_of.engine.begin() as connection:
        for name in connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass")
        ).all():
            if name != "audit_event_default":
                connection.execute(text(f"DROP TABLE {name}"))
    with ThreadPoolExecutor(2) as pool:
        with record_of.engine.begin() as connection:
            connection.execute(text("SELECT FROM audit_head FOR UPDATE"))
            both = [pool.submit(partitions.ensure, record_of) for _ in range(2)]
            wait_until(lambda: waiting(record_of) == 2)
        for one in both:
            one.result()


def backdate(database: Database, at: datetime) -> None:
    """As if all rows were written then."""
    with database.transaction() as session:
        previous = START
        for row in list(rows.oldest_first(session)):
            early = replace(row, at=at, previous_hash=previous)
            session.execute(
                text(
                    "UPDATE audit_event SET at = :at, previous_hash = :previous, hash = :hash"
                    " WHERE number = :number"
                ),
                {"at": at, "previous": previous, "hash": early.own_hash(), "number": row.number},
            )
            previous = early.own_hash()
        session.execute(text("UPDATE audit_head SET at = :at, hash = :hash"), {"at": at, "hash": previous})


def test_a_month_that_has_not_ended_is_not_pruned(database: Database) -> None:
    next_month = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=1)

    with pytest.raises(InvalidRequest):
        retention.prune(database, retention.month_of(f"{next_month:%Y-%m}"))


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-01-01", "yesterday", ""])
def test_an_invalid_month_is_rejected(month: str) -> None:
    with pytest.raises(InvalidRequest):
        retention.month_of(month)


def test_an_export_is_an_event_and_its_chain_is_verified_without_the_database(
    database: Database, tmp_path: Path
) -> None:
    add(database, 3, gallery="staff", details={"score": 1e-7, "name": "\u0000é"})
    path = tmp_path / "events.jsonl"

    lines = [json.dumps(event) for event in exports.export(database, Filter())]
    path.write_text("\n".join(lines) + "\n")

    assert json.loads(lines[-1])["action"] == "data.exported"
    result = verify_rows(exports.read(path), start=None, head=None)
    assert result.intact, result.problems[:3]
    assert result.rows == len(lines)
    path.write_text("\n".join([*lines[:-3], lines[-3].replace("staff", "guests"), *lines[-2:]]) + "\n")
    assert damage(verify_rows(exports.read(path), start=None, head=None)) == {
        (json.loads(lines[-3])["number"], Damage.CHANGED)
    }


def test_filters_select_events(database: Database) -> None:
    person, other, gallery = uuid4(), uuid4(), f"test-{uuid4().hex}"
    add(database, action=Action.IDENTITY_ENROLLED, gallery=gallery, identity_id=person)
    add(database, action=Action.IDENTITY_DELETED, gallery=gallery, identity_id=other)
    add(database, action=Action.IDENTIFIED, gallery=gallery, details={"faces": [{"identity_id": person}]})
    of_gallery = Filter(gallery=gallery)

    def selected(filter: Filter) -> list[str]:
        with database.reading() as session:
            return [row.action for row in rows.newest(session, filter, before=None, limit=9)]

    assert selected(of_gallery) == ["search.identified", "identity.deleted", "identity.enrolled"]
    assert selected(replace(of_gallery, action="identity")) == ["identity.deleted", "identity.enrolled"]
    assert selected(replace(of_gallery, action="identity.deleted")) == ["identity.deleted"]
    assert selected(Filter(identity=person)) == ["search.identified", "identity.enrolled"]
    assert selected(replace(of_gallery, caller="server")) == selected(of_gallery)
    assert selected(replace(of_gallery, caller="nobody")) == []
    assert selected(replace(of_gallery, since=datetime.now(UTC) + timedelta(days=1))) == []
    assert selected(replace(of_gallery, until=datetime.now(UTC) - timedelta(days=1))) == []
