import pytest

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Gallery


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "staff")
