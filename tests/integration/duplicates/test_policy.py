"""What a gallery does with a person who is enrolled a second time."""

import json
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.people import distinct, reviews
from indexer.records.people.reviews import ReviewState
from indexer.records.tables import Review
from tests.integration.duplicates.conftest import STAFF, Enrol, photographs
from tests.support.audit import last_number, rows_after

Gallery = Callable[..., None]
PERSON = "Colin_Powell"


def identities(client: TestClient) -> int:
    count: int = client.get(STAFF).json()["identities"]
    return count


def test_a_gallery_checks_nothing_until_its_policy_says_so(
    client: TestClient, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("off")
    one, other = photographs(PERSON, 2)
    enrol([one])

    answer = enrol([other])

    assert answer.status_code == 201
    assert answer.json()["duplicates"] == []
    assert identities(client) == 2


def test_reject_answers_409_with_the_candidates_and_stores_nothing(
    client: TestClient, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("reject")
    one, other = photographs(PERSON, 2)
    first = enrol([one], external_id="4711").json()
    before = client.get(STAFF).json()

    answer = enrol([other], external_id="4712")

    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_identity")
    [candidate] = answer.json()["candidates"]
    assert candidate["identity_id"] == first["id"]
    assert candidate["external_id"] == "4711"
    assert candidate["face_id"] == first["faces"][0]["id"]
    assert candidate["image"] == 0
    assert candidate["score"] >= candidate["threshold"] > 0.3
    assert client.get(STAFF).json() == before
    assert client.get(f"{STAFF}/identities", params={"external_id": "4712"}).json()["identities"] == []


def test_warn_enrols_and_lists_the_candidates(client: TestClient, gallery: Gallery, enrol: Enrol) -> None:
    gallery("warn")
    one, other = photographs(PERSON, 2)
    first = enrol([one]).json()

    answer = enrol([other])

    assert answer.status_code == 201
    assert [found["identity_id"] for found in answer.json()["duplicates"]] == [first["id"]]
    assert identities(client) == 2


def test_another_person_is_enrolled(
    client: TestClient, gallery: Gallery, enrol: Enrol, hopper: bytes, collins: bytes
) -> None:
    gallery("reject")
    enrol([hopper]).raise_for_status()

    answer = enrol([collins])

    assert answer.status_code == 201
    assert answer.json()["duplicates"] == []
    assert identities(client) == 2


def test_more_photographs_of_a_person_are_no_duplicates_of_that_person(
    gallery: Gallery, enrol: Enrol
) -> None:
    gallery("reject")
    first, second, third = photographs(PERSON, 3)
    identity = enrol([first], external_id="4711").json()["id"]

    added = enrol([second], f"/identities/{identity}/faces")
    put = enrol([third], "/identities/by-external-id/4711", "PUT")

    assert (added.status_code, put.status_code) == (201, 200)
    assert added.json()["duplicates"] == put.json()["duplicates"] == []


@pytest.mark.parametrize("how", ["add", "put", "put_new"])
def test_faces_that_look_like_another_person_are_rejected_however_they_are_sent(
    client: TestClient, gallery: Gallery, enrol: Enrol, hopper: bytes, how: str
) -> None:
    gallery("reject")
    one, other = photographs(PERSON, 2)
    powell = enrol([one]).json()["id"]
    identity = enrol([hopper], external_id="hopper").json()["id"]
    before = client.get(STAFF).json()

    if how == "add":
        answer = enrol([other], f"/identities/{identity}/faces")
    else:
        external_id = "hopper" if how == "put" else "new"
        answer = enrol([other], f"/identities/by-external-id/{external_id}", "PUT", name="Changed")

    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_identity")
    assert [found["identity_id"] for found in answer.json()["candidates"]] == [powell]
    assert client.get(STAFF).json() == before
    assert client.get(f"{STAFF}/identities/{identity}").json()["name"] is None


def test_a_repeated_put_is_no_duplicate(gallery: Gallery, enrol: Enrol) -> None:
    gallery("reject")
    [one] = photographs(PERSON, 1)
    enrol([one], "/identities/by-external-id/4711", "PUT").raise_for_status()

    again = enrol([one], "/identities/by-external-id/4711", "PUT")

    assert again.status_code == 200
    assert again.json()["rejected"][0]["code"] == "duplicate_image"


def test_an_operator_enrols_in_spite_of_the_check_and_the_answer_names_the_other_person(
    client: TestClient, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("reject")
    one, other = photographs(PERSON, 2)
    first = enrol([one]).json()

    answer = enrol([other], allow_duplicate="true")

    assert answer.status_code == 201
    assert [found["identity_id"] for found in answer.json()["duplicates"]] == [first["id"]]
    assert identities(client) == 2


def test_one_person_in_several_photographs_is_one_candidate_with_the_best_picture(
    gallery: Gallery, enrol: Enrol, hopper: bytes
) -> None:
    gallery("warn")
    one, other = photographs(PERSON, 2)
    first = enrol([one]).json()

    answer = enrol([hopper, other, one])  # somebody else, the person, and the very photograph

    [candidate] = answer.json()["duplicates"]
    assert candidate["identity_id"] == first["id"]
    assert candidate["image"] == 2
    assert candidate["score"] == pytest.approx(1, abs=1e-3)


def test_the_policy_is_created_changed_and_returned(client: TestClient, gallery: Gallery) -> None:
    gallery("review", duplicate_fpir=0.0005)
    created = client.get(STAFF).json()
    assert (created["duplicate_check"], created["duplicate_fpir"]) == ("review", 0.0005)

    kept = client.patch(STAFF, json={"duplicate_check": None}).json()
    assert (kept["duplicate_check"], kept["duplicate_fpir"]) == ("review", 0.0005)

    changed = client.patch(STAFF, json={"duplicate_check": "off", "duplicate_fpir": None}).json()
    assert (changed["duplicate_check"], changed["duplicate_fpir"]) == ("off", None)

    for wrong in ({"duplicate_check": "no"}, {"duplicate_fpir": 0}, {"duplicate_fpir": 1}):
        assert client.patch(STAFF, json=wrong).status_code == 422


def test_without_its_own_fpir_a_gallery_is_stricter_than_identification(
    client: TestClient, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("warn")
    one, other = photographs(PERSON, 2)
    enrol([one])
    identification = client.get(STAFF).json()["identification"]["threshold"]
    [candidate] = enrol([other]).json()["duplicates"]

    assert candidate["threshold"] > identification

    client.patch(STAFF, json={"identify_fpir": 0.02, "duplicate_fpir": 0.02}).raise_for_status()
    size = client.get(STAFF).json()
    [same, _] = enrol([photographs(PERSON, 3)[2]]).json()["duplicates"]
    assert same["threshold"] == pytest.approx(size["identification"]["threshold"], abs=1e-4)


def test_review_enrols_and_puts_the_pair_into_the_reviews_once(
    client: TestClient, database: Database, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("review")
    one, other, third = photographs(PERSON, 3)
    first = enrol([one]).json()

    second = enrol([other]).json()
    enrol([third], f"/identities/{second['id']}/faces").raise_for_status()

    assert [found["identity_id"] for found in second["duplicates"]] == [first["id"]]
    [review] = open_reviews(database)
    assert (str(review.identity_id), str(review.other_id)) == (second["id"], first["id"])
    assert review.score == pytest.approx(second["duplicates"][0]["score"], abs=1e-4)
    assert review.threshold == pytest.approx(second["duplicates"][0]["threshold"], abs=1e-4)


def test_what_an_operator_allows_is_not_reviewed(
    client: TestClient, database: Database, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("review")
    one, other = photographs(PERSON, 2)
    enrol([one]).raise_for_status()

    enrol([other], allow_duplicate="true").raise_for_status()

    assert open_reviews(database) == []


def test_people_known_to_be_different_are_never_reported_again(
    client: TestClient, database: Database, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("reject")
    one, other, third = photographs(PERSON, 3)
    first, second = (enrol([image], allow_duplicate="true").json()["id"] for image in (one, other))
    path = f"/identities/{second}/faces"
    assert enrol([third], path).status_code == 409

    with database.transaction() as session:
        found = galleries.lock(session, galleries.get(session, "staff").id)
        distinct.add(session, found.id, [distinct.pair_of(UUID(first), UUID(second))])

    added = enrol([third], path)
    assert (added.status_code, added.json()["duplicates"]) == (201, [])


def open_reviews(database: Database) -> Sequence[Review]:
    with database.reading() as session:
        found = galleries.get(session, "staff")
        return reviews.page(session, found.id, state=ReviewState.OPEN, after=None, limit=100)


def test_the_audit_record_says_whom_the_person_looks_like_and_that_it_was_allowed(
    database: Database, gallery: Gallery, enrol: Enrol
) -> None:
    gallery("reject")
    one, other = photographs(PERSON, 2)
    first = enrol([one]).json()
    before = last_number(database)

    enrol([other], allow_duplicate="true").raise_for_status()

    [event] = rows_after(database, before)
    details = json.loads(event["details"])
    assert details["allow_duplicate"] is True
    assert [found["identity_id"] for found in details["duplicates"]] == [first["id"]]
    assert details["duplicates"][0]["score"] >= details["duplicates"][0]["threshold"]
