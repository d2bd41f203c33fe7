"""Where a visitor was seen, the first time included."""

from typing import Any

from fastapi.testclient import TestClient

from tests.integration.visitors.conftest import DOOR, See, photographs
from tests.support.asking import enrol


def sightings(client: TestClient, identity_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{DOOR}/identities/{identity_id}/sightings", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["sightings"])


def test_a_photograph_of_a_person_whom_nobody_enrolled_finds_all_sightings(
    client: TestClient, door: str, see: See
) -> None:
    *earlier, now = photographs("George_W_Bush", 4)
    seen = [see(photograph)["audit_id"] for photograph in earlier]
    see(photographs("Tony_Blair", 1)[0])

    found = see(now, remember="false")["candidates"][0]["identity"]["id"]
    listed = sightings(client, found)

    [asked, *before] = [one["audit_id"] for one in listed]
    assert before == seen[::-1]
    assert asked not in seen
    assert [one["score"] is None for one in listed] == [False, False, False, True]


def test_the_first_sighting_is_on_the_last_page(client: TestClient, door: str, see: See) -> None:
    first, second = photographs("George_W_Bush", 2)
    visitor = see(first)
    see(second)

    path = f"{DOOR}/identities/{visitor['visitor']['identity_id']}/sightings"
    page = client.get(path, params={"limit": 1}).json()
    last = client.get(path, params={"limit": 1, "cursor": page["next_cursor"]}).json()

    assert [one["audit_id"] for one in last["sightings"]] == [visitor["audit_id"]]
    assert last["next_cursor"] is None


def test_a_visitor_who_is_merged_into_a_person_brings_the_first_sighting(
    client: TestClient, door: str, see: See
) -> None:
    first, second = photographs("George_W_Bush", 1)[0], photographs("Tony_Blair", 1)[0]
    visitor = see(first)
    person = enrol(client, "door", second, name="George")["id"]

    body = {"other": visitor["visitor"]["identity_id"]}
    client.post(f"{DOOR}/identities/{person}/merge", json=body).raise_for_status()

    assert [one["audit_id"] for one in sightings(client, person)] == [visitor["audit_id"]]
