"""The files of the console: who gets them, and with which headers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from service.routes.console import FOLDER


def test_the_page_and_its_files_need_no_key_and_nothing_else_is_served(with_key: TestClient) -> None:
    page = with_key.get("/")

    assert page.status_code == 200
    assert 'src="console/app.js"' in page.text
    assert with_key.get("/console/app.js").status_code == 200
    assert with_key.get("/console/%2e%2e/app.py").status_code == 404
    assert with_key.get("/v1/galleries").status_code == 401
    assert with_key.get("/docs").status_code == 401


def test_every_file_has_the_policy_that_allows_only_files_of_this_server(client: TestClient) -> None:
    files = [p for p in FOLDER.rglob("*") if p.is_file()]
    assert len(files) > 20
    for path in files:
        headers = client.get(f"/console/{path.relative_to(FOLDER)}").headers
        policy = headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} < set(policy)
        assert headers["x-content-type-options"] == "nosniff"


def test_an_unchanged_file_is_not_sent_again(client: TestClient) -> None:
    etag = client.get("/console/app.js").headers["etag"]

    assert client.get("/console/app.js", headers={"If-None-Match": etag}).status_code == 304


def test_files_are_compressed_for_clients_that_accept_it(client: TestClient) -> None:
    plain = client.get("/console/app.js", headers={"Accept-Encoding": "identity"})
    compressed = client.get("/console/app.js", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert compressed.text == plain.text == (FOLDER / "app.js").read_text()
    part = client.get("/console/app.js", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, plain.content[:10])


def test_a_page_below_a_prefix_gets_the_slash_that_its_addresses_need(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings.model_copy(update={"root_path": "/faces"}))
    with TestClient(app, follow_redirects=False) as client:
        assert client.get("/faces").headers["location"] == "/faces/"
        assert "Gemel" in client.get("/faces/").text
        assert client.get("/faces/console/app.js").status_code == 200
        assert client.get("/console/app.js").status_code == 200  # a proxy has stripped the prefix


def test_without_the_console_the_root_leads_to_the_documentation(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings.model_copy(update={"console": "off"}))
    with TestClient(app, follow_redirects=False) as client:
        assert client.get("/").headers["location"] == "/docs"
        assert client.get("/console/app.js").status_code == 404


@pytest.fixture
def with_key(settings: Settings, database: Database, tmp_path: Path) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update={"api_key": SecretStr("k" * 40)}))
    with TestClient(app) as client:
        yield client
