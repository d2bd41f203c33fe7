"""Reviews over HTTP: list, decide, reopen; and how they follow merges."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from indexer.records import galleries
from indexer.records.people import distinct, reviews
from indexer.records.people.reviews import ReviewKind
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.asking import assert_problem


def add(people: People, identity_id: UUID, other_id: UUID) -> UUID | None:
    with people.database.transaction() as session:
        gallery = galleries.lock(session, galleries.get(session, GALLERY).id)
        return reviews.add(
            session,
            gallery.id,
            ReviewKind.DUPLICATE,
            identity_id=identity_id,
            other_id=other_id,
            score=0.71,
            threshold=0.5,
        )


def listed(people: People, **params: Any) -> list[dict[str, Any]]:
    answer = people.client.get(f"{PATH}/reviews", params=params)
    return list(answer.raise_for_status().json()["reviews"])


def pairs(people: People, **params: Any) -> list[tuple[str, str, str]]:
    return [(row["identity_id"], row["other_id"], row["state"]) for row in listed(people, **params)]


def decide(people: People, review: UUID | None, decision: str, body: Any = None) -> dict[str, Any]:
    answer = people.post(f"reviews/{review}/{decision}", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_review_shows_both_identities_with_their_faces_and_the_score(people: People) -> None:
    one, other = people.enrol(1, name="Ann"), people.enrol(2, 3, name="Bea")
    review = add(people, other, one)

    [row] = listed(people)

    assert (row["identity"]["name"], row["other"]["name"]) == ("Bea", "Ann")
    assert [len(row[side]["faces"]) for side in ("identity", "other")] == [2, 1]
    assert (row["score"], row["threshold"], row["kind"], row["state"]) == (0.71, 0.5, "duplicate", "open")
    assert people.client.get(f"{PATH}/reviews/{review}").json() == row


def test_reviews_are_listed_by_state_and_in_pages(people: People) -> None:
    first = people.enrol(1)
    made = [str(add(people, people.enrol(n), first)) for n in (2, 3, 4)]
    decide(people, UUID(made[1]), "different")

    page = people.client.get(f"{PATH}/reviews", params={"limit": 2}).json()
    rest = people.client.get(f"{PATH}/reviews", params={"limit": 2, "cursor": page["next_cursor"]}).json()

    assert [row["id"] for row in [*page["reviews"], *rest["reviews"]]] == made
    assert rest["next_cursor"] is None
    assert [row["id"] for row in listed(people, state="open")] == [made[0], made[2]]
    assert [row["id"] for row in listed(people, state="different")] == [made[1]]
    assert listed(people, state="same") == []


def test_reviews_are_listed_of_one_person_on_whichever_side_of_the_pair(people: People) -> None:
    person, one, other, third = (people.enrol(n) for n in (1, 2, 3, 4))
    own = [str(add(people, person, one)), str(add(people, other, person))]
    add(people, other, third)
    decide(people, UUID(own[0]), "different")

    assert [row["id"] for row in listed(people, identity_id=str(person))] == own
    assert [row["id"] for row in listed(people, identity_id=str(person), state="open")] == own[1:]
    assert listed(people, identity_id=str(uuid4())) == []


def test_same_merges_the_two_into_the_one_that_was_created_first(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)
    review = add(people, other, one)

    decided = decide(people, review, "same")

    assert people.who(2) == str(one)
    assert (decided["state"], decided["identity"]) == ("same", None)
    assert decided["other"]["faces_total"] == 2
    assert decided["decided_at"] is not None


def test_same_merges_into_the_identity_that_is_to_be_kept(people: People) -> None:
    one, other = people.enrol(1, name="Ann"), people.enrol(2, name="Bea")
    review = add(people, other, one)

    decide(people, review, "same", {"keep": str(other), "take": ["name"]})

    assert people.who(1) == str(other)
    assert people.get(other)["name"] == "Ann"


def test_people_who_are_different_are_never_reported_again(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)

    decided = decide(people, add(people, other, one), "different")

    assert decided["state"] == "different"
    assert add(people, one, other) is None
    assert listed(people, state="open") == []
    assert (people.who(1), people.who(2)) == (str(one), str(other))


def test_a_reopened_review_of_the_same_person_splits_them_again(people: People) -> None:
    one, other = people.enrol(1, name="Ann"), people.enrol(2, name="Bea")
    review = add(people, other, one)
    decide(people, review, "same")

    reopened = decide(people, review, "reopen")

    assert (reopened["state"], reopened["decided_at"], reopened["change_id"]) == ("open", None, None)
    assert (people.who(1), people.who(2)) == (str(one), str(other))
    assert people.get(other)["name"] == "Bea"


def test_a_reopened_review_of_different_people_forgets_that_they_are_different(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)
    review = add(people, other, one)
    decide(people, review, "different")

    assert decide(people, review, "reopen")["state"] == "open"

    with people.database.reading() as session:
        assert distinct.others_of(session, one) == []
    decide(people, review, "same")


@pytest.mark.parametrize(
    ("first", "second"), [("same", "same"), ("same", "different"), ("different", "same"), (None, "reopen")]
)
def test_a_decision_that_was_taken_already_is_a_conflict(
    people: People, first: str | None, second: str
) -> None:
    review = add(people, people.enrol(2), people.enrol(1))
    if first is not None:
        decide(people, review, first)

    assert_problem(people.post(f"reviews/{review}/{second}"), 409, "review_decided")


def test_a_merge_by_hand_decides_the_review_of_the_two_and_its_undo_opens_it(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)
    add(people, other, one)

    change = people.merge(other, one)
    assert [(row["state"], row["change_id"]) for row in listed(people)] == [("same", change["id"])]
    people.undo(change)

    assert pairs(people) == [(str(other), str(one), "open")]


def test_reviews_with_others_follow_a_merge_and_return_with_its_undo(people: People) -> None:
    one, other, third, fourth = (people.enrol(n) for n in (1, 2, 3, 4))
    add(people, other, third)
    add(people, one, third)
    decide(people, add(people, fourth, other), "different")
    add(people, one, fourth)
    before = pairs(people)

    change = people.merge(one, other)

    assert pairs(people) == [
        (str(one), str(third), "open"),
        (str(fourth), str(one), "different"),
    ], "one open review of a pair, and none of people who are now known to be different"
    people.undo(change)
    assert pairs(people) == before


def test_a_deleted_identity_leaves_no_review_not_even_a_decided_one(people: People) -> None:
    one, other, third = people.enrol(1), people.enrol(2), people.enrol(3)
    decide(people, add(people, other, one), "same")
    add(people, third, one)

    people.client.delete(f"{PATH}/identities/{one}").raise_for_status()

    assert listed(people) == []


def test_the_identity_to_keep_must_be_one_of_the_two(people: People) -> None:
    review = add(people, people.enrol(2), people.enrol(1))

    assert_problem(
        people.post(f"reviews/{review}/same", {"keep": str(people.enrol(3))}), 422, "invalid_request"
    )


def test_an_unknown_review_is_not_found(people: People) -> None:
    for path in ("", "/same", "/different", "/reopen"):
        answer = people.client.request("POST" if path else "GET", f"{PATH}/reviews/{uuid4()}{path}")
        assert_problem(answer, 404, "review_not_found")
