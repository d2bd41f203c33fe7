"""A full garbage collection holds up every request of a process."""

import gc

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service import worker


def test_full_collections_in_a_server_do_not_visit_what_it_opened_at_its_start(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMEL_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("GEMEL_HOME", str(settings.home))
    gc.unfreeze()
    with TestClient(worker.create_app()) as client:
        assert client.get("/readyz").status_code == 200
        frozen, visited = gc.get_freeze_count(), len(gc.get_objects())

    assert frozen > 10 * visited
