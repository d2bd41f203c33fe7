"""What processes report of their indexes."""

from sqlalchemy import text

from indexer.records import galleries, replicas
from indexer.records.database.session import Database
from indexer.records.replicas import StatusReport


def test_an_index_that_is_rebuilt_is_open_and_reads_as_it_was_reported(database: Database) -> None:
    """Whatever the word is that the table has for it."""
    with database.transaction() as session:
        gallery = galleries.create(session, "staff")
        process = replicas.register(session, host="here", pid=1, version="1")
        gallery.change_number = 7
    report = StatusReport(gallery_id=gallery.id, state="rebuilding", problem=None, model="m-1", applied=5)
    with database.transaction() as session:
        assert replicas.report(session, process, [report], [])

    with database.reading() as session:
        [(_, replica)] = replicas.by_gallery(session, [gallery.id])[gallery.id]
        [lag] = replicas.list_lags(session)
        stored = session.scalar(text("SELECT state FROM replica"))

    assert replica.state == "rebuilding"
    assert (lag.changes, lag.failed) == (2, 0)
    assert stored == "renewing", "the constraint of older versions holds"
