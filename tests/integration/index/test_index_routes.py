"""What an operator sees and asks of indexes over the API; certainty for a caller who knows of a change."""

import time
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app

PATIENCE_SECONDS = 30.0


def enrol(client: TestClient, image: bytes) -> dict[str, Any]:
    answer = client.post("/v1/galleries/staff/identities", files={"images": image})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def identify(client: TestClient, image: bytes, **fields: Any) -> Any:
    return client.post("/v1/galleries/staff/identify", files={"image": image}, data=fields)


def replicas(client: TestClient, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Of the gallery, once they are as wanted: processes tell every second."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        [gallery] = client.get("/v1/indexes", params={"gallery": "staff"}).json()["galleries"]
        found: list[dict[str, Any]] = gallery["replicas"]
        if until(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_each_process_tells_where_its_index_is(
    client: TestClient, settings: Settings, hopper: bytes, collins: bytes
) -> None:
    """A second process on the same database: the same change applied, the same digest."""
    client.post("/v1/galleries", json={"name": "staff"})
    enrol(client, hopper)
    identify(client, hopper)
    with TestClient(create_app(settings)) as other:
        identify(other, hopper)
        number = enrol(client, collins)["change_number"]

        told = replicas(client, lambda rows: [row["applied"] for row in rows] == [number, number])
        processes = client.get("/v1/indexes").json()["processes"]

        first, second = told
        assert first["digest"] == second["digest"]
        assert {row["process"] for row in told} == {process["id"] for process in processes}
        assert [first[key] for key in ("state", "tier", "count", "lag", "tombstones")] == [
            "ready", "exact", 2, 0, 0
        ]  # fmt: skip
        assert first["memory_bytes"] > 0
        assert first["problem"] is None
    left = replicas(client, lambda rows: len(rows) == 1)
    assert left[0]["process"] == client.get("/v1/indexes").json()["processes"][0]["id"]


def test_a_rebuild_that_is_asked_for_happens_while_searches_go_on(client: TestClient, hopper: bytes) -> None:
    client.post("/v1/galleries", json={"name": "staff"})
    enrol(client, hopper)
    identify(client, hopper)

    asked = client.post("/v1/galleries/staff/index/rebuild", json={"tier": "exact-fp16"})

    assert asked.status_code == 202
    assert (asked.json()["rebuild_number"], asked.json()["tier"]) == (1, "exact-fp16")
    replicas(client, lambda rows: [row["tier"] for row in rows] == ["exact-fp16"])
    assert identify(client, hopper).json()["faces"][0]["candidates"][0]["matched"]
    client.post("/v1/galleries/staff/index/rebuild", json={"tier": "auto"})
    replicas(client, lambda rows: [row["tier"] for row in rows] == ["exact"])
    assert client.post("/v1/galleries/staff/index/rebuild", json={"tier": "best"}).status_code == 422


def test_a_search_waits_for_the_change_that_its_caller_knows_of(
    client: TestClient, database: Database, hopper: bytes
) -> None:
    """A change that PostgreSQL does not have is not come by waiting: 503, and the caller may ask again."""
    client.post("/v1/galleries", json={"name": "staff"})
    number = enrol(client, hopper)["change_number"]

    known = identify(client, hopper, min_change_number=number)
    unknown = identify(client, hopper, min_change_number=number + 1)

    assert known.json()["faces"][0]["candidates"][0]["matched"]
    assert unknown.status_code == 503
    assert unknown.json()["code"] == "index_behind"
    assert int(unknown.headers["Retry-After"]) >= 1
    with database.transaction() as session:  # nothing of the refusal stays behind
        session.execute(text("DELETE FROM gallery"))
    assert identify(client, hopper).status_code == 404
