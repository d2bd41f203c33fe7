"""A visitor who was somebody with a name all along does not hide the name, and is put into the reviews."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.settings import Settings
from service.app import create_app
from tests.integration.visitors.conftest import DOOR, See, photographs, visitors
from tests.support.asking import enrol


@pytest.fixture
def missed(client: TestClient, door: str, see: See) -> tuple[str, str, bytes]:
    """The ids of a person and of the anonymous identity whom a missed search made, and its photograph."""
    first, second = photographs("George_W_Bush", 2)
    person = enrol(client, "door", first, name="George")["id"]
    visitor = enrol(client, "door", second, anonymous="true")["id"]
    return person, visitor, second


def reviews(client: TestClient) -> list[dict[str, Any]]:
    return list(client.get(f"{DOOR}/reviews", params={"state": "open"}).raise_for_status().json()["reviews"])


def test_a_named_person_who_is_matched_comes_before_an_anonymous_one_with_a_higher_score(
    client: TestClient, see: See, missed: tuple[str, str, bytes]
) -> None:
    person, visitor, photograph = missed

    candidates = see(photograph)["candidates"]

    assert [one["identity"]["id"] for one in candidates] == [person, visitor]
    assert candidates[0]["score"] < candidates[1]["score"]
    assert [one["matched"] for one in candidates] == [True, True]


def test_a_named_person_who_is_not_matched_stays_in_the_order_of_the_scores(
    client: TestClient, door: str, see: See
) -> None:
    first, second = photographs("George_W_Bush", 2)
    enrol(client, "door", photographs("Tony_Blair", 1)[0], name="Tony")
    visitor = enrol(client, "door", first, anonymous="true")["id"]

    candidates = see(second)["candidates"]

    assert candidates[0]["identity"]["id"] == visitor
    assert [one["matched"] for one in candidates] == [True, False]


def test_the_sighting_belongs_to_the_named_person(
    client: TestClient, see: See, missed: tuple[str, str, bytes]
) -> None:
    person, visitor, photograph = missed

    audit_id = see(photograph)["audit_id"]

    def sightings(identity_id: str) -> list[str]:
        answer = client.get(f"{DOOR}/identities/{identity_id}/sightings").raise_for_status()
        return [one["audit_id"] for one in answer.json()["sightings"]]

    assert sightings(person) == [audit_id]
    assert sightings(visitor) == []


def test_a_visitor_whom_a_face_matches_together_with_somebody_named_is_put_into_the_reviews_once(
    client: TestClient, door: str, see: See
) -> None:
    first, second, third = photographs("George_W_Bush", 3)
    visitor = see(first)["visitor"]["identity_id"]
    person = enrol(client, "door", second, name="George")["id"]

    assert see(third)["visitor"] is None
    see(third)

    [review] = reviews(client)
    assert review["kind"] == "doubtful_match"
    ids = {review["identity"]["id"], review["other"]["id"]}
    assert ids == {visitor, person}


def test_the_same_in_the_review_makes_the_visitor_a_face_of_the_person(
    client: TestClient, door: str, see: See
) -> None:
    first, second, third = photographs("George_W_Bush", 3)
    see(first)
    person = enrol(client, "door", second, name="George")["id"]
    see(third)
    [review] = reviews(client)

    answer = client.post(f"{DOOR}/reviews/{review['id']}/same", json={"keep": person})
    assert answer.status_code == 200, answer.text

    assert visitors(client) == []
    assert client.get(f"{DOOR}/identities/{person}").json()["faces_total"] == 2
    assert see(first)["candidates"][0]["identity"]["name"] == "George"


def test_a_decided_pair_is_not_reviewed_again(client: TestClient, door: str, see: See) -> None:
    first, second, third = photographs("George_W_Bush", 3)
    see(first)
    enrol(client, "door", second, name="George")
    see(third)
    [review] = reviews(client)
    client.post(f"{DOOR}/reviews/{review['id']}/different").raise_for_status()

    see(third)

    assert reviews(client) == []


def test_a_key_that_may_identify_and_not_enrol_can_make_a_visitor_and_not_forget_one(
    settings: Settings, client: TestClient, door: str
) -> None:
    """The policy decides about remembering, and whoever may change the gallery set it."""
    made = client.post("/v1/keys", json={"name": "camera", "roles": ["identify"]})
    assert made.status_code == 201, made.text
    key = {"X-API-Key": made.json()["key"]}
    [photograph] = photographs("George_W_Bush", 1)
    with TestClient(create_app(settings), raise_server_exceptions=False) as camera:
        answer = camera.post(f"{DOOR}/identify", files={"image": photograph}, headers=key)
        forbidden = camera.delete(f"{DOOR}/visitors", headers=key)

    assert answer.json()["faces"][0]["visitor"]["outcome"] == "new"
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "permission_denied")
