"""One event in one statement: the same chain, also beside transactions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from uuid import uuid4

import pytest
from sqlalchemy import text as sql

from indexer.audit.verification import verify
from indexer.callers import Caller, current_caller
from indexer.errors import DatabaseUnavailable
from indexer.logs import request_id
from indexer.records.audit.chain import entry
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.audit.single import append_one
from indexer.records.database.session import Database
from tests.support.audit import last_number, rows_after


@pytest.mark.parametrize("durable", [True, False])
def test_its_hash_is_that_of_the_row(database: Database, durable: bool) -> None:
    before = last_number(database)
    text = "J\u00f6rg \u2028\\ \" ' :at %s %(id)s \x07 \U0001f600"
    caller = Caller(name=text, key_id=uuid4(), address="192.0.2.7")
    context = copy_context()
    context.run(current_caller.set, caller)
    context.run(request_id.set, "4711")
    with database.reading() as session:
        for event in (
            AuditEvent(action=Action.SEARCHED),
            AuditEvent(
                action=Action.IDENTIFIED,
                gallery=text,
                identity_id=uuid4(),
                details={"a": text, "b": 1e-7},
            ),
        ):
            append_one(session, context.run(entry, event), durable=durable)

    assert [row["number"] for row in rows_after(database, before)] == [before + 1, before + 2]
    result = verify(database)
    assert result.intact, result.problems
    with database.reading() as session:
        assert session.connection().exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"


def test_without_a_head_it_is_an_error_as_while_a_backup_is_being_restored(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable), database.transaction() as session:
        session.execute(sql("DELETE FROM audit_head"))
        append_one(session, entry(AuditEvent(action=Action.SEARCHED)), durable=True)


def test_beside_transactions_it_leaves_one_chain(database: Database) -> None:
    before, each = last_number(database), 25
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        for _ in range(each):
            event = AuditEvent(action=Action.SEARCHED)
            if number % 2:
                with database.reading() as session:
                    append_one(session, entry(event), durable=False)
            else:
                with database.transaction() as session:
                    record(session, event)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    assert last_number(database) == before + 8 * each
    result = verify(database)
    assert result.intact, result.problems
