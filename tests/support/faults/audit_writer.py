"""A process that appends to the audit record until it is killed, and prints each id once it is committed.

python -m tests.support.faults.audit_writer URL changes|searches
"""

import sys

from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.database.session import Database


def main(url: str, kind: str) -> None:
    database = Database(url)
    writer = SearchWriter(database)
    while True:
        event = AuditEvent(action=Action.SEARCHED if kind == "searches" else Action.EXPORTED)
        if kind == "searches":
            writer.record(event)
        else:
            with database.transaction() as session:
                record(session, event)
        sys.stdout.write(f"{event.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
