"""Merge over HTTP: whose faces, whose name, what searches say, and what undo gives back."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from indexer.records.people import distinct
from indexer.records.tables import Dispute
from tests.integration.people.conftest import PATH, People
from tests.support.asking import assert_problem


def test_a_search_right_after_a_merge_names_the_identity_that_remains(people: People) -> None:
    one, other = people.enrol(1, name="Ann"), people.enrol(2, 3, name="Bea")
    assert people.who(2) == str(other)

    merged = people.merge(one, other)

    assert people.who(1) == people.who(2) == people.who(3) == str(one)
    assert (merged["faces"], merged["kind"], merged["other"]) == (2, "merge", None)
    assert merged["identity"]["faces_total"] == 3
    assert merged["identity"]["name"] == "Ann"


def test_faces_keep_their_ids_and_times_when_they_are_merged(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2, 3)
    before = {face["id"]: face for face in [*people.get(one)["faces"], *people.get(other)["faces"]]}

    people.merge(one, other)

    assert {face["id"]: face for face in people.get(one)["faces"]} == before


def test_what_is_not_taken_from_the_other_stays_and_what_is_taken_is_the_others(people: People) -> None:
    one = people.enrol(1, external_id="1", name="Ann")
    other = people.enrol(2, 3, external_id="2", name="Bea")

    merged = people.merge(one, other, take=["external_id", "metadata"])["identity"]

    assert (merged["external_id"], merged["name"], merged["metadata"]) == ("2", "Ann", {"n": 2})


def test_requests_for_a_merged_identity_say_into_which_it_was_merged(people: People) -> None:
    one, other, third = people.enrol(1), people.enrol(2), people.enrol(3)
    people.merge(one, other)
    people.merge(third, one)

    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/faces")):
        answer = people.client.request(method, f"{PATH}/identities/{other}{path}")
        assert assert_problem(answer, 409, "identity_merged")["into"] == str(third)


def test_an_undone_merge_leaves_everything_as_it_was(people: People) -> None:
    one = people.enrol(1, 4, external_id="1", name="Ann")
    other = people.enrol(2, 3, external_id="2", name="Bea")
    before = people.get(one), people.get(other)

    undone = people.undo(people.merge(one, other, take=["name", "external_id", "metadata"]))

    after = people.get(one), people.get(other)
    for was, now in zip(before, after, strict=True):
        assert {**now, "updated_at": None} == {**was, "updated_at": None}
    assert [people.who(n) for n in (1, 2, 3, 4)] == [str(one), str(other), str(other), str(one)]
    assert (undone["faces"], undone["faces_left"]) == (2, 0)
    assert undone["other"]["id"] == str(other)


def test_a_photograph_of_both_is_enrolled_once_and_an_undo_restores_the_second(people: People) -> None:
    one, other = people.enrol(1, 2), people.enrol(2, 3)
    before = people.face_ids(one), set(people.face_ids(other))

    change = people.merge(one, other)
    assert people.get(one)["faces_total"] == 3
    undone = people.undo(change)

    assert (people.face_ids(one), set(people.face_ids(other))) == before
    assert (undone["faces"], undone["faces_left"]) == (2, 0)


def test_an_undo_leaves_out_what_was_deleted_or_changed_since(people: People) -> None:
    one, other = people.enrol(1, name="Ann"), people.enrol(2, 3, name="Bea")
    gone, stays = people.face_ids(other)
    change = people.merge(one, other, take=["name"])
    people.client.delete(f"{PATH}/identities/{one}/faces/{gone}").raise_for_status()
    people.client.patch(f"{PATH}/identities/{one}", json={"name": "Cleo"}).raise_for_status()

    undone = people.undo(change)

    assert (undone["faces"], undone["faces_left"]) == (1, 1)
    assert people.face_ids(other) == [stays]
    assert (people.get(one)["name"], people.get(other)["name"]) == ("Cleo", "Bea")


def test_a_change_is_undone_once(people: People) -> None:
    change = people.merge(people.enrol(1), people.enrol(2))
    people.undo(change)

    assert_problem(people.post(f"people-changes/{change['id']}/undo"), 409, "people_change_undone")


def test_merges_of_merged_people_are_undone_in_reverse_order(people: People) -> None:
    one, other, third = people.enrol(1), people.enrol(2), people.enrol(3)
    first, second = people.merge(one, other), people.merge(third, one)

    assert_problem(people.post(f"people-changes/{first['id']}/undo"), 409, "identity_merged")
    people.undo(second)
    people.undo(first)

    assert [people.who(n) for n in (1, 2, 3)] == [str(one), str(other), str(third)]


def test_an_undo_is_rejected_as_a_whole_if_somebody_else_has_got_the_external_id(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2, external_id="2")
    change = people.merge(one, other)
    people.enrol(3, external_id="2")

    assert_problem(people.post(f"people-changes/{change['id']}/undo"), 409, "external_id_taken")

    assert people.get(one)["faces_total"] == 2
    assert people.who(2) == str(one)


def test_after_a_person_is_deleted_nothing_of_those_merged_into_them_is_left(people: People) -> None:
    one, other, third = people.enrol(1), people.enrol(2, name="Bea"), people.enrol(3)
    changes = [people.merge(one, other), people.merge(third, one)]

    people.client.delete(f"{PATH}/identities/{third}").raise_for_status()

    for change in changes:
        assert_problem(people.post(f"people-changes/{change['id']}/undo"), 404, "people_change_not_found")
    assert_problem(people.client.get(f"{PATH}/identities/{other}"), 404, "identity_not_found")
    with people.database.reading() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("SELECT count(*) FROM person_change").scalar() == 0


def test_people_known_to_be_different_are_merged_only_on_purpose(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)
    gallery = UUID(people.client.get(PATH).json()["id"])
    with people.database.transaction() as session:
        distinct.add(session, gallery, [distinct.pair_of(one, other)])

    answer = people.post(f"identities/{one}/merge", {"other": str(other)})
    assert_problem(answer, 409, "people_distinct")
    people.undo(people.merge(one, other, although_distinct=True))

    with people.database.reading() as session:
        assert distinct.others_of(session, one) == [other]


def test_people_distinct_from_the_merged_one_are_distinct_from_the_one_that_remains(
    people: People,
) -> None:
    one, other, third = people.enrol(1), people.enrol(2), people.enrol(3)
    gallery = UUID(people.client.get(PATH).json()["id"])
    with people.database.transaction() as session:
        distinct.add(session, gallery, [distinct.pair_of(third, other)])

    change = people.merge(one, other)
    with people.database.reading() as session:
        assert distinct.others_of(session, third) == [one]
    people.undo(change)

    with people.database.reading() as session:
        assert distinct.others_of(session, third) == [other]


@pytest.mark.parametrize("unknown", ["one", "other"])
def test_an_unknown_identity_is_not_merged(people: People, unknown: str) -> None:
    known = people.enrol(1)
    one, other = (uuid4(), known) if unknown == "one" else (known, uuid4())

    assert_problem(people.post(f"identities/{one}/merge", {"other": str(other)}), 404, "identity_not_found")


def test_an_identity_is_not_merged_with_itself(people: People) -> None:
    one = people.enrol(1)

    assert_problem(people.post(f"identities/{one}/merge", {"other": str(one)}), 422, "invalid_request")


def test_a_dispute_about_a_face_of_a_photograph_of_both_is_kept_for_the_face_that_stays(
    people: People,
) -> None:
    one, other = people.enrol(2, 1), people.enrol(2, 3)
    [stays, _], [dropped, _] = people.face_ids(one), people.face_ids(other)
    with people.database.transaction() as session:
        session.add(
            Dispute(
                gallery_id=UUID(people.client.get(PATH).json()["id"]),
                event_id=uuid4(),
                probe=0,
                face_id=UUID(dropped),
                identity_id=other,
                score=0.5,
                model="some",
                disputed_by="somebody",
            )
        )

    people.merge(one, other)

    with people.database.reading() as session:
        assert session.scalars(select(Dispute.face_id)).all() == [UUID(stays)]
