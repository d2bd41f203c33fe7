"""Anonymous and hidden identities over HTTP: lists, names, merges, splits, and what an undo gives back."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from indexer.records import galleries
from indexer.records.enrolled import identities
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.asking import assert_problem

IDENTITIES = f"{PATH}/identities"


def patch(people: People, identity_id: UUID, **values: Any) -> dict[str, Any]:
    answer = people.client.patch(f"{IDENTITIES}/{identity_id}", json=values)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(people: People, **params: Any) -> list[str]:
    answer = people.client.get(IDENTITIES, params={"with_total": True, "limit": 1_000} | params)
    page = answer.raise_for_status().json()
    found = [one["id"] for one in page["identities"]]
    assert page["total"] == len(found)
    return found


def state(people: People, *ids: UUID) -> list[dict[str, Any]]:
    """All but the time of the last change."""
    return [{**people.get(one), "updated_at": None} for one in ids]


def seen(people: People, identity_id: UUID, at: datetime) -> None:
    with people.database.transaction() as session:
        gallery = galleries.get(session, GALLERY)
        identities.get(session, gallery.id, identity_id).last_seen_at = at


def test_candidates_and_identities_say_whether_anybody_has_named_them(people: People) -> None:
    group, ann = people.enrol(1, anonymous=True), people.enrol(2, name="Ann")
    seen(people, group, datetime(2026, 3, 1, 12, tzinfo=UTC))
    patch(people, group, hidden=True)

    for number, identity, expected in (
        (1, group, (True, True, "2026-03-01T12:00:00Z")),
        (2, ann, (False, False, None)),
    ):
        embedding = people.vector(number).astype(float).tolist()
        [candidate, *_] = people.post("search", {"embedding": embedding}).json()["candidates"]
        for shown in (candidate["identity"], people.get(identity)):
            assert shown["id"] == str(identity)
            assert (shown["anonymous"], shown["hidden"], shown["last_seen_at"]) == expected


def test_lists_select_by_anonymous_hidden_and_number_of_faces(people: People) -> None:
    pair, single = people.enrol(1, 2, anonymous=True), people.enrol(3, anonymous=True)
    ann, bea = people.enrol(4, name="Ann"), people.enrol(5, 6, 7, name="Bea", external_id="b")
    patch(people, single, hidden=True)
    patch(people, bea, hidden=True)

    assert listed(people) == [str(pair), str(ann)]
    assert listed(people, hidden="any") == [str(one) for one in (pair, single, ann, bea)]
    assert listed(people, hidden="true") == [str(single), str(bea)]
    assert listed(people, anonymous="true") == [str(pair)]
    assert listed(people, anonymous="false") == [str(ann)]
    assert listed(people, anonymous="true", hidden="any") == [str(pair), str(single)]
    assert listed(people, anonymous="false", hidden="true", q="bea") == [str(bea)]
    assert listed(people, min_faces=2) == [str(pair)]
    assert listed(people, min_faces=2, hidden="any") == [str(pair), str(bea)]
    assert listed(people, external_id="b") == [str(bea)]  # a known id is found, hidden or not


def test_the_largest_come_first_and_pages_hold_everybody_once(people: People) -> None:
    sizes = (1, 3, 2, 3, 0, 1, 2)
    ids, first = [], 1
    for size in sizes:
        ids.append(str(people.enrol(*range(first, first + size), anonymous=True)))
        first += size
    expected = [ids[place] for place in (1, 3, 2, 6, 0, 5, 4)]

    assert listed(people, order="faces") == expected
    assert listed(people, order="faces", min_faces=2) == expected[:4]
    assert listed(people, order="faces", q=ids[2]) == [ids[2]]
    for params in ({}, {"min_faces": 1}):
        for limit in (1, 2, 3, 7):
            found, cursor = [], None
            while True:
                query = {"order": "faces", "limit": limit, **params}
                page = people.client.get(
                    IDENTITIES, params=query if cursor is None else query | {"cursor": cursor}
                ).json()
                found += [one["id"] for one in page["identities"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert found == (expected[:6] if params else expected)
    third = people.client.get(IDENTITIES, params={"order": "faces", "offset": 2, "limit": 1}).json()
    assert [one["id"] for one in third["identities"]] == [expected[2]]


@pytest.mark.parametrize("cursor", ["3", "x.y", f"-1.{UUID(int=1)}", f"{2**63}.{UUID(int=1)}", "." * 3])
def test_a_cursor_of_another_order_is_rejected(people: People, cursor: str) -> None:
    answer = people.client.get(IDENTITIES, params={"order": "faces", "cursor": cursor})
    assert assert_problem(answer, 422, "invalid_request")["field"] == "cursor"


def test_a_name_or_an_external_id_makes_a_person(people: People) -> None:
    for values in ({"name": "Ann"}, {"external_id": "1"}):
        group = people.enrol(1, anonymous=True)
        assert patch(people, group, **values)["anonymous"] is False
        assert patch(people, group, metadata={"a": 1})["anonymous"] is False
        # taking the name away does not say that nobody knows who it is, and saying so does
        cleared = patch(people, group, name=None, external_id=None)
        assert (cleared["anonymous"], patch(people, group, anonymous=True)["anonymous"]) == (False, True)


def test_nobody_with_a_name_is_made_anonymous(people: People) -> None:
    group, ann = people.enrol(1, anonymous=True), people.enrol(2, name="Ann")
    for identity, values in (
        (ann, {"anonymous": True}),
        (ann, {"anonymous": True, "external_id": "1", "name": None}),
        (group, {"anonymous": True, "name": "Bea"}),
    ):
        answer = people.client.patch(f"{IDENTITIES}/{identity}", json=values)
        assert assert_problem(answer, 422, "invalid_request")["field"] == "anonymous"
    answer = people.client.post(IDENTITIES, json={"anonymous": True, "name": "Cleo"})
    assert assert_problem(answer, 422, "invalid_request")["field"] == "anonymous"
    assert patch(people, ann, anonymous=True, name=None)["anonymous"] is True
    assert people.client.post(IDENTITIES, json={"anonymous": True}).json()["anonymous"] is True


def test_an_external_id_of_somebody_else_leaves_a_group_anonymous(people: People) -> None:
    people.enrol(1, external_id="1")
    group = people.enrol(2, anonymous=True)
    answer = people.client.patch(f"{IDENTITIES}/{group}", json={"external_id": "1"})
    assert_problem(answer, 409, "external_id_taken")
    assert people.get(group)["anonymous"] is True


def test_null_changes_neither_hidden_nor_anonymous(people: People) -> None:
    group = people.enrol(1, anonymous=True)
    patch(people, group, hidden=True)
    unchanged = patch(people, group, hidden=None, anonymous=None)
    assert (unchanged["hidden"], unchanged["anonymous"]) == (True, True)


@pytest.mark.parametrize("take", [[], ["name"], ["name", "external_id", "metadata"]])
def test_an_anonymous_identity_that_takes_in_a_person_becomes_that_person(
    people: People, take: list[str]
) -> None:
    """Also where no field is taken: a name is never lost to a group that has none."""
    group = people.enrol(1, anonymous=True, metadata={})
    ann = people.enrol(2, name="Ann", external_id="1", metadata={"a": 1})
    before = state(people, group, ann)

    change = people.merge(group, ann, take=take)

    merged = change["identity"]
    assert (merged["name"], merged["external_id"], merged["metadata"]) == ("Ann", "1", {"a": 1})
    assert (merged["anonymous"], merged["faces_total"]) == (False, 2)
    people.undo(change)
    assert state(people, group, ann) == before


@pytest.mark.parametrize("take", [[], ["name"], ["name", "external_id", "metadata"]])
def test_a_person_who_takes_in_an_anonymous_identity_keeps_name_and_external_id(
    people: People, take: list[str]
) -> None:
    ann = people.enrol(2, name="Ann", external_id="1")
    group = people.enrol(1, anonymous=True, metadata={"x": 2})
    patch(people, group, hidden=True)
    before = state(people, ann, group)

    change = people.merge(ann, group, take=take)

    merged = change["identity"]
    assert (merged["name"], merged["external_id"]) == ("Ann", "1")
    assert merged["metadata"] == ({"x": 2} if "metadata" in take else {"n": 1})
    assert (merged["anonymous"], merged["hidden"]) == (False, False)
    people.undo(change)
    assert state(people, ann, group) == before


def test_two_anonymous_identities_make_one_and_an_undo_makes_two(people: People) -> None:
    one, other = people.enrol(1, anonymous=True), people.enrol(2, 3, anonymous=True)
    seen(people, one, datetime(2026, 3, 1, tzinfo=UTC))
    seen(people, other, datetime(2026, 4, 1, tzinfo=UTC))
    before = state(people, one, other)

    change = people.merge(one, other)

    assert change["identity"]["anonymous"] is True
    assert change["identity"]["last_seen_at"] == "2026-04-01T00:00:00Z"
    people.undo(change)
    assert state(people, one, other) == before


def test_an_undo_leaves_a_name_that_was_given_since(people: People) -> None:
    """And does not make the named one anonymous."""
    group, ann = people.enrol(1, anonymous=True), people.enrol(2, name="Ann")
    change = people.merge(group, ann)
    patch(people, group, name="Bea")

    people.undo(change)

    assert [(one["name"], one["anonymous"]) for one in state(people, group, ann)] == [
        ("Bea", False),
        ("Ann", False),
    ]


def test_a_person_without_a_name_is_not_anonymous_after_a_merge(people: People) -> None:
    group, somebody = people.enrol(1, anonymous=True), people.enrol(2)
    change = people.merge(group, somebody)
    assert (change["identity"]["anonymous"], change["identity"]["name"]) == (False, None)
    people.undo(change)
    assert [people.get(one)["anonymous"] for one in (group, somebody)] == [True, False]


def test_faces_that_are_split_off_without_a_name_are_anonymous(people: People) -> None:
    ann = people.enrol(1, 2, 3, name="Ann")
    first, second, _ = people.face_ids(ann)

    unnamed = people.post(f"identities/{ann}/split", {"faces": [first]}).json()
    named = people.post(f"identities/{ann}/split", {"faces": [second], "name": "Bea"}).json()

    assert (unnamed["other"]["anonymous"], named["other"]["anonymous"]) == (True, False)
    assert people.get(ann)["anonymous"] is False
    people.undo(unnamed)
    assert people.get(ann)["faces_total"] == 2


T0 = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_visitor_with_faces_of_a_group_is_no_visitor_in_whatever_order_its_merges_are_undone(
    people: People,
) -> None:
    """Otherwise the group's photographs would be forgotten with the visitor."""
    visitor = people.enrol(1, anonymous=True)
    seen(people, visitor, T0)
    first = people.merge(visitor, people.enrol(2, anonymous=True))
    second = people.merge(visitor, people.enrol(3, anonymous=True))

    people.undo(first)
    assert people.get(visitor)["last_seen_at"] is None
    people.undo(second)
    assert people.get(visitor)["faces_total"] == 1
    assert people.get(visitor)["last_seen_at"] == "2026-03-01T00:00:00Z", "nothing else is left in it"


def test_a_visitor_is_one_again_when_its_merge_and_then_a_later_move_are_undone(people: People) -> None:
    visitor, ann = people.enrol(1, anonymous=True), people.enrol(3, 4, name="Ann")
    seen(people, visitor, T0)
    before = state(people, visitor)
    merge = people.merge(visitor, people.enrol(2, anonymous=True))
    [face, _] = people.face_ids(ann)
    move = people.post(f"identities/{ann}/faces/{face}/move", {"to": str(visitor)}).json()

    people.undo(merge)
    assert people.get(visitor)["last_seen_at"] is None
    people.undo(move)

    assert state(people, visitor) == before


def test_a_visitor_who_became_a_group_by_a_name_stays_one_when_later_merges_are_undone(
    people: People,
) -> None:
    """A merge of before, which was undone before, does not make a visitor of it."""
    visitor = people.enrol(1, anonymous=True)
    seen(people, visitor, T0)
    people.undo(people.merge(visitor, people.enrol(2, anonymous=True)))
    patch(people, visitor, name="Ann")
    patch(people, visitor, name=None, anonymous=True)
    later = people.merge(visitor, people.enrol(3, anonymous=True))

    people.undo(later)

    assert people.get(visitor)["last_seen_at"] is None


def test_an_undo_does_not_make_a_visitor_of_somebody_who_was_named_since(people: People) -> None:
    visitor, group = people.enrol(1, anonymous=True), people.enrol(2, anonymous=True)
    seen(people, visitor, T0)
    change = people.merge(visitor, group)
    patch(people, visitor, name="Ann")

    people.undo(change)

    assert patch(people, visitor, name=None, anonymous=True)["last_seen_at"] is None


def test_a_visitor_who_gets_a_face_of_somebody_else_is_no_visitor_until_that_is_undone(
    people: People,
) -> None:
    ann, visitor = people.enrol(1, 2, name="Ann"), people.enrol(3, anonymous=True)
    seen(people, visitor, T0)
    before = state(people, visitor)
    [first, _] = people.face_ids(ann)

    change = people.post(f"identities/{ann}/faces/{first}/move", {"to": str(visitor)}).json()

    assert people.get(visitor)["last_seen_at"] is None
    people.undo(change)
    assert state(people, visitor) == before


def test_what_is_split_off_from_a_visitor_without_a_name_is_a_visitor(people: People) -> None:
    """It is forgotten in time, as it would have been without the split."""
    visitor = people.enrol(1, 2, 3, anonymous=True)
    seen(people, visitor, T0)
    [first, second, _] = people.face_ids(visitor)

    unnamed = people.post(f"identities/{visitor}/split", {"faces": [first]}).json()
    named = people.post(f"identities/{visitor}/split", {"faces": [second], "name": "Bea"}).json()

    assert [one["other"]["last_seen_at"] for one in (unnamed, named)] == ["2026-03-01T00:00:00Z", None]
