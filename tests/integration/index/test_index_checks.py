"""Indexes are compared with PostgreSQL on request, and every process shows the result."""

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.doctor import every_check
from indexer.errors import EmbeddingsMissing
from indexer.records import index_checks, replicas
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica import index_checks as comparisons
from indexer.settings import Settings

PATIENCE_SECONDS = 30.0
STAFF = "/v1/galleries/staff"


@pytest.fixture
def searched(client: TestClient, hopper: bytes) -> TestClient:
    """A gallery whose index is open, and was reported."""
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    client.post(f"{STAFF}/identities", files={"images": hopper}).raise_for_status()
    client.post(f"{STAFF}/identify", files={"image": hopper}).raise_for_status()
    wait(client, lambda status: any(replica["applied"] == 1 for replica in status["replicas"]))
    return client


def wait(client: TestClient, until: Any) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        [status] = client.get("/v1/indexes", params={"gallery": "staff"}).json()["galleries"]
        if until(status):
            return dict(status)
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def verified(client: TestClient) -> dict[str, Any]:
    begun = client.post(f"{STAFF}/index/verify")
    assert begun.status_code == 202
    assert begun.json()["check"] is not None
    return dict(wait(client, lambda status: status["check"]["state"] != "running")["check"])


def test_an_index_that_is_equal_to_postgresql_is_said_to_be(searched: TestClient) -> None:
    check = verified(searched)

    assert (check["state"], check["problem"]) == ("done", None)
    assert (check["equal"], check["different"], check["not_compared"]) == (1, 0, 0)
    assert (check["change_number"], check["faces"]) == (1, 1)
    assert check["finished_at"] >= check["started_at"]


def test_an_index_that_differs_is_found_by_the_doctor_until_it_is_rebuilt(
    searched: TestClient, database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE replica SET digest = repeat('0', 32)"))

    check = verified(searched)

    assert (check["equal"], check["different"]) == (0, 1)
    codes = {finding.code for finding in every_check.doctor(settings, database).examine().findings}
    assert "index_wrong" in codes
    searched.post(f"{STAFF}/index/rebuild").raise_for_status()
    codes = {finding.code for finding in every_check.doctor(settings, database).examine().findings}
    assert "index_wrong" not in codes


def test_a_comparison_that_fails_says_why_and_can_be_made_again(
    searched: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise EmbeddingsMissing("faces have no embedding")

    with monkeypatch.context() as patched:
        patched.setattr(comparisons, "read_contents", fail)
        failed = verified(searched)

    assert (failed["state"], failed["problem"]) == ("failed", "faces have no embedding")
    assert verified(searched)["state"] == "done"


def test_one_comparison_of_a_gallery_runs_at_a_time_and_a_killed_process_holds_none(
    database: Database, gallery: Gallery
) -> None:
    with database.transaction() as session:
        process = replicas.register(session, host="web-1", pid=1, version="1")
        assert index_checks.begin(session, gallery.id, host="web-1", pid=1, model="m")
    with database.transaction() as session:
        assert not index_checks.begin(session, gallery.id, host="web-2", pid=1, model="m")
        assert index_checks.by_gallery(session, [gallery.id])[gallery.id].state == "running"
    with database.transaction() as session:
        replicas.unregister(session, process)
    with database.transaction() as session:
        lost = index_checks.by_gallery(session, [gallery.id])[gallery.id]
        assert lost.state == "failed"
        assert "has ended" in (lost.problem or "")
        assert index_checks.begin(session, gallery.id, host="web-2", pid=1, model="m")


def test_a_process_that_has_the_number_of_a_killed_one_does_not_hold_its_comparison(
    database: Database, gallery: Gallery
) -> None:
    """As in a container that is started again: the same host, and the same process number."""
    with database.transaction() as session:
        killed = replicas.register(session, host="web-1", pid=1, version="1")
        assert index_checks.begin(session, gallery.id, host="web-1", pid=1, model="m")
    with database.transaction() as session:
        replicas.unregister(session, killed)
        replicas.register(session, host="web-1", pid=1, version="1")
    with database.transaction() as session:
        assert index_checks.by_gallery(session, [gallery.id])[gallery.id].state == "failed"
        assert index_checks.begin(session, gallery.id, host="web-1", pid=1, model="m")


def test_a_late_result_does_not_overwrite_the_next_comparison(database: Database, gallery: Gallery) -> None:
    with database.transaction() as session:
        assert index_checks.begin(session, gallery.id, host="web-2", pid=1, model="m")
        index_checks.finish(session, gallery.id, host="web-1", pid=1, equal=1, different=0)

    with database.reading() as session:
        assert index_checks.by_gallery(session, [gallery.id])[gallery.id].row.finished_at is None


def test_an_unknown_gallery_is_not_found(client: TestClient) -> None:
    assert client.post("/v1/galleries/absent/index/verify").status_code == 404
