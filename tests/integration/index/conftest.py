from pathlib import Path

import pytest

from indexer.embedding.catalog import sface
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import PersonScore


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        # Tests here write faces by themselves, many for one identity, and keep no templates.
        return galleries.create(session, "staff", person_score=PersonScore.NEAREST)


@pytest.fixture
def index_store(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexStore:
    """That writes snapshots of few faces already."""
    monkeypatch.setattr("indexer.replica.store.index_store.SNAPSHOT_MIN_FACES", 20)
    return IndexStore.of(Settings(home=tmp_path), database, sface(mirror=True))
