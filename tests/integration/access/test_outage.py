"""Keys while PostgreSQL does not answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from indexer.access import authenticator
from indexer.errors import DatabaseUnavailable
from indexer.records import embedded
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.integration.access.conftest import BOOTSTRAP
from tests.support.home import Home
from tests.support.signing_in import NAME, sign_in


@pytest.fixture
def home(tmp_path: Path, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path, cluster=migrated_cluster) as home:
        yield home


def test_a_check_that_fails_is_no_check_whatever_the_reason(home: Home) -> None:
    database = Database(embedded.start(home.folder))
    keys = authenticator.Authenticator(database, bootstrap_key=BOOTSTRAP)
    try:
        keys.request_check().result(20)
        with database.transaction() as session:  # as by `pg_restore --clean`
            session.execute(text("ALTER TABLE api_key_version RENAME TO restoring"))

        with pytest.raises(DatabaseUnavailable):
            keys.request_check().result(20)
    finally:
        keys.close()
        database.close()


def test_a_standby_recognises_keys_and_rejects_those_whose_limits_it_cannot_count(home: Home) -> None:
    settings = Settings(
        home=home.folder,
        database_url=embedded.start(home.folder),
        api_key=SecretStr(BOOTSTRAP),
        audit_searches="best-effort",
        threads=2,
    )
    by_bootstrap = {"X-API-Key": BOOTSTRAP}
    limits: list[dict[str, float]] = [{}, {"max_concurrent": 2}, {"requests_per_second": 9}]
    with TestClient(create_app(settings), raise_server_exceptions=False) as primary:
        issued = [
            primary.post(
                "/v1/keys", json={"name": "test", "roles": ["read"]} | limit, headers=by_bootstrap
            ).json()["key"]
            for limit in limits
        ]
        browser = TestClient(primary.app)
        sign_in(browser, issued[0])
    embedded.stop(home.folder)
    (home.folder / "postgresql" / "standby.signal").touch()
    embedded.start(home.folder)
    with TestClient(create_app(settings), raise_server_exceptions=False) as standby:
        answers = [standby.get("/v1/models", headers={"X-API-Key": key}) for key in issued]
        cookie = {"Cookie": f"{NAME}={browser.cookies[NAME]}"}
        assert standby.get("/v1/models", headers=cookie).status_code == 200
        rejected = standby.post("/v1/session", headers={"X-API-Key": issued[0]})
        assert (rejected.status_code, rejected.json()["code"]) == (503, "database_read_only")

    assert [answer.status_code for answer in answers] == [200, 503, 503]
    assert {answer.json()["code"] for answer in answers[1:]} == {"database_read_only"}


def test_known_keys_count_for_a_while_and_the_bootstrap_key_for_ever(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticator, "GRACE_SECONDS", 3.0)
    settings = Settings(
        home=home.folder,
        database_url=embedded.start(home.folder),
        api_key=SecretStr(BOOTSTRAP),
        threads=2,
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:

        def status(key: str) -> int:
            return int(client.get("/v1/models", headers={"X-API-Key": key}).status_code)

        new = {"name": "test", "roles": ["read"]}
        key = client.post("/v1/keys", json=new, headers={"X-API-Key": BOOTSTRAP}).json()["key"]
        browser = TestClient(client.app, raise_server_exceptions=False)
        sign_in(browser, key)
        unknown = key[:-4] + ("0000" if key[-4:] != "0000" else "1111")
        assert (status(key), status(unknown), status("wrong")) == (200, 401, 401)
        embedded.stop(home.folder)

        seen = []
        while 503 not in seen:
            seen.append(status(key))
        assert seen[0] == 200
        assert set(seen) == {200, 503}
        assert browser.get("/v1/models").status_code == 503
        forged = {"Cookie": f"{NAME}={'0' * 64}"}
        assert TestClient(client.app).get("/v1/models", headers=forged).status_code == 503
        assert status(unknown) == 503, "it may have been created just now"
        assert status("wrong") == 401
        assert status(BOOTSTRAP) == 200

        embedded.start(home.folder)
        while status(key) != 200:
            pass
        assert browser.get("/v1/models").status_code == 200
        assert status(unknown) == 401
