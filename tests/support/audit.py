"""The rows of the audit record, for tests. It is one chain for all tests of a database."""

from typing import Any

from sqlalchemy import text

from indexer.records.database.session import Database


def last_number(database: Database) -> int:
    with database.reading() as session:
        number: int = session.execute(text("SELECT number FROM audit_head")).scalar_one()
    return number


def rows_after(database: Database, number: int) -> list[dict[str, Any]]:
    """`details` as the stored text, hashes as bytes."""
    query = text(
        "SELECT number, id, at, action, caller, key_id, address, request_id, gallery, identity_id,"
        " details::text AS details, previous_hash, hash"
        " FROM audit_event WHERE number > :number ORDER BY number"
    )
    with database.reading() as session:
        rows = session.execute(query, {"number": number}).mappings().all()
    return [dict(row) | {name: bytes(row[name]) for name in ("previous_hash", "hash")} for row in rows]
