"""Split and move over HTTP: whose faces, what searches say, and what undo gives back."""

from uuid import UUID, uuid4

from indexer.records.people import distinct
from tests.integration.people.conftest import PATH, People
from tests.support.asking import assert_problem


def test_a_search_right_after_a_split_names_the_new_identity(people: People) -> None:
    one = people.enrol(1, 2, 3, name="Ann")
    chosen = people.face_ids(one)[1:]
    assert people.who(3) == str(one)

    answer = people.post(f"identities/{one}/split", {"faces": chosen, "name": "Bea", "external_id": "2"})

    assert answer.status_code == 201, answer.text
    new = answer.json()["other"]
    assert (new["name"], new["external_id"], [face["id"] for face in new["faces"]]) == ("Bea", "2", chosen)
    assert [people.who(n) for n in (1, 2, 3)] == [str(one), new["id"], new["id"]]
    with people.database.reading() as session:
        assert distinct.others_of(session, one) == [UUID(new["id"])]


def test_an_undone_split_leaves_no_new_identity(people: People) -> None:
    one = people.enrol(1, 2)
    before = people.get(one)
    change = people.post(f"identities/{one}/split", {"faces": people.face_ids(one)[1:]}).json()

    undone = people.undo(change)

    assert undone["other"] is None
    assert people.get(one) == before
    assert people.who(2) == str(one)
    assert_problem(people.client.get(f"{PATH}/identities/{change['other_id']}"), 404, "identity_not_found")


def test_an_undone_split_leaves_the_new_identity_with_faces_that_it_got_since(people: People) -> None:
    one = people.enrol(1, 2)
    change = people.post(f"identities/{one}/split", {"faces": people.face_ids(one)[1:]}).json()
    people.add(UUID(change["other_id"]), 5)

    undone = people.undo(change)

    assert undone["other"]["faces_total"] == 1
    assert [people.who(n) for n in (1, 2, 5)] == [str(one), str(one), change["other_id"]]
    with people.database.reading() as session:
        assert distinct.others_of(session, one) == []


def test_a_search_right_after_a_move_names_the_new_owner_and_undo_brings_the_face_back(
    people: People,
) -> None:
    one, other = people.enrol(1, 2), people.enrol(3)
    face = people.face_ids(one)[1]

    answer = people.post(f"identities/{one}/faces/{face}/move", {"to": str(other)})

    assert answer.status_code == 200, answer.text
    assert people.who(2) == str(other)
    assert people.face_ids(other)[1:] == [face]
    people.undo(answer.json())
    assert people.who(2) == str(one)
    assert people.face_ids(one)[1:] == [face]


def test_a_face_is_not_moved_to_a_person_with_a_face_of_the_same_photograph(people: People) -> None:
    one, other = people.enrol(1, 2), people.enrol(2)
    face = people.face_ids(one)[1]

    answer = people.post(f"identities/{one}/faces/{face}/move", {"to": str(other)})

    assert_problem(answer, 409, "face_exists")
    assert (people.get(one)["faces_total"], people.get(other)["faces_total"]) == (2, 1)


def test_a_split_is_rejected_as_a_whole_if_one_face_is_somebody_elses(people: People) -> None:
    one, other = people.enrol(1, 2), people.enrol(3)
    faces = [people.face_ids(one)[0], people.face_ids(other)[0]]

    assert_problem(people.post(f"identities/{one}/split", {"faces": faces}), 404, "face_not_found")

    assert people.client.get(PATH).json()["identities"] == 2
    assert people.get(one)["faces_total"] == 2


def test_a_split_whose_external_id_is_taken_changes_nothing(people: People) -> None:
    one, _ = people.enrol(1, 2), people.enrol(3, external_id="3")
    body = {"faces": people.face_ids(one)[:1], "external_id": "3"}

    assert_problem(people.post(f"identities/{one}/split", body), 409, "external_id_taken")

    assert people.get(one)["faces_total"] == 2


def test_an_undo_of_a_move_leaves_a_face_that_was_moved_on(people: People) -> None:
    one, other, third = people.enrol(1, 2), people.enrol(3), people.enrol(4)
    face = people.face_ids(one)[1]
    first = people.post(f"identities/{one}/faces/{face}/move", {"to": str(other)}).json()
    people.post(f"identities/{other}/faces/{face}/move", {"to": str(third)}).raise_for_status()

    undone = people.undo(first)

    assert (undone["faces"], undone["faces_left"]) == (0, 1)
    assert people.who(2) == str(third)


def test_a_move_cannot_be_undone_after_one_of_the_two_was_deleted(people: People) -> None:
    one, other = people.enrol(1, 2), people.enrol(3)
    face = people.face_ids(one)[1]
    change = people.post(f"identities/{one}/faces/{face}/move", {"to": str(other)}).json()
    people.client.delete(f"{PATH}/identities/{one}").raise_for_status()

    assert_problem(people.post(f"people-changes/{change['id']}/undo"), 404, "people_change_not_found")
    assert people.who(2) == str(other)


def test_an_unknown_face_is_not_moved(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)

    answer = people.post(f"identities/{one}/faces/{uuid4()}/move", {"to": str(other)})

    assert_problem(answer, 404, "face_not_found")


def test_a_split_without_faces_is_invalid(people: People) -> None:
    one = people.enrol(1)

    assert_problem(people.post(f"identities/{one}/split", {"faces": []}), 422, "invalid_request")


def test_changes_are_listed_the_newest_first(people: People) -> None:
    """With the name of who was merged, and what is undone already; also those of one person only."""
    ada, grace, eileen = (people.enrol(n, name=name) for n, name in ((1, "Ada"), (2, "Grace"), (3, "Eileen")))
    people.add(ada, 4)
    merged = people.post(f"identities/{grace}/merge", {"other": str(eileen)}).json()
    split = people.post(f"identities/{ada}/split", {"faces": people.face_ids(ada)[:1]}).json()
    people.undo(merged)

    listed = people.client.get(f"{PATH}/people-changes").json()
    first = people.client.get(f"{PATH}/people-changes", params={"limit": 1}).json()

    assert [(one["id"], one["kind"], one["other_name"], one["faces"]) for one in listed["changes"]] == [
        (split["id"], "split", None, 1),
        (merged["id"], "merge", "Eileen", 1),
    ]
    assert [one["undone_at"] is None for one in listed["changes"]] == [True, False]
    assert first["changes"] == listed["changes"][:1]
    query = {"cursor": first["next_cursor"]}
    assert (
        people.client.get(f"{PATH}/people-changes", params=query).json()["changes"] == listed["changes"][1:]
    )
    query = {"identity_id": str(eileen)}
    assert (
        people.client.get(f"{PATH}/people-changes", params=query).json()["changes"] == listed["changes"][1:]
    )
