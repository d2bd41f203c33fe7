"""`/v1/audit`: events by filters, page by page."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from indexer.audit.verification import verify
from indexer.records.database.session import Database


def test_events_are_listed_page_by_page_the_newest_first(client: TestClient) -> None:
    name = f"test-{uuid4().hex}"
    client.post("/v1/galleries", json={"name": name}).raise_for_status()
    client.patch(f"/v1/galleries/{name}", json={"identify_fpir": 0.02}).raise_for_status()
    client.delete(f"/v1/galleries/{name}").raise_for_status()

    listed: list[Any] = []
    cursor = None
    while True:
        query = {"gallery": name, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/audit", params=query).json()
        listed += page["events"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert [event["action"] for event in listed] == ["gallery.deleted", "gallery.changed", "gallery.created"]
    assert listed[1]["details"] == {"identify_fpir": [None, 0.02]}
    [created] = client.get("/v1/audit", params={"gallery": name, "action": "gallery.created"}).json()[
        "events"
    ]
    assert created == listed[-1] == client.get(f"/v1/audit/{created['id']}").json()
    until = {"gallery": name, "until": created["at"]}
    assert client.get("/v1/audit", params=until).json() == {"events": [], "next_cursor": None}


def test_the_events_of_one_request_are_found_by_its_id(client: TestClient) -> None:
    own, other = f"r-{uuid4().hex}", f"r-{uuid4().hex}"
    for request_id in (own, other):
        name = f"test-{uuid4().hex}"
        created = client.post("/v1/galleries", json={"name": name}, headers={"X-Request-Id": request_id})
        created.raise_for_status()

    [event] = client.get("/v1/audit", params={"request_id": other}).json()["events"]

    assert (event["request_id"], event["gallery"]) == (other, name)


def test_the_head_is_the_last_event(client: TestClient, database: Database) -> None:
    client.post("/v1/galleries", json={"name": f"test-{uuid4().hex}"}).raise_for_status()

    head = client.get("/v1/audit/head").json()
    [last] = client.get("/v1/audit", params={"limit": 1}).json()["events"]

    assert {name: last[name] for name in ("number", "hash", "at")} == head
    assert verify(database).last_hash.hex() == head["hash"]


def test_an_event_that_does_not_exist_is_not_found(client: TestClient) -> None:
    answer = client.get(f"/v1/audit/{uuid4()}")

    assert (answer.status_code, answer.json()["code"]) == (404, "audit_event_not_found")


@pytest.mark.parametrize(
    "query",
    [
        {"caller": "a\0b"},
        {"gallery": "\x1b"},
        {"action": ""},
        {"since": "yesterday"},
        {"since": "2026-01-31T09:30:00"},
        {"identity": "4711"},
        {"cursor": "x"},
        {"limit": "0"},
        {"colour": "red"},
    ],
)
def test_an_invalid_filter_is_rejected(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/v1/audit", params=query).status_code == 422
