"""A server starts although PostgreSQL is away just then."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import wait_for


def test_a_server_that_starts_while_postgresql_is_away_serves_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "postgresql-home"
    database = Database(url := embedded.start(home))
    schema.migrate(database)
    database.close()
    embedded.stop(home)

    def answer() -> int:
        with TestClient(create_app(Settings(home=tmp_path / "home", database_url=url))) as client:
            return client.get("/readyz").status_code

    try:
        with caplog.at_level(logging.WARNING), ThreadPoolExecutor(1) as elsewhere:
            answered = elsewhere.submit(answer)
            wait_for(lambda: "waiting for PostgreSQL" in caplog.text or answered.done(), 120)
            assert not answered.done(), answered.exception()
            assert embedded.start(home) == url
            assert answered.result(120) == 200
    finally:
        embedded.stop(home)
