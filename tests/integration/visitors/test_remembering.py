"""Whom a search does not find is remembered, and found by the next one."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.integration.visitors.conftest import DOOR, See, photographs, visitors
from tests.support.asking import counts, enrol, files, identify
from tests.support.pictures import jpeg, pixels


def test_a_face_that_matches_nobody_is_a_visitor_whom_the_next_photograph_finds(
    client: TestClient, door: str, see: See
) -> None:
    first, second = photographs("George_W_Bush", 2)

    unknown, again = see(first), see(second)

    assert unknown["candidates"] == []
    assert unknown["visitor"]["outcome"] == "new"
    [candidate] = again["candidates"]
    assert (candidate["matched"], candidate["identity"]["anonymous"]) == (True, True)
    assert candidate["identity"]["id"] == unknown["visitor"]["identity_id"]
    assert again["visitor"]["identity_id"] == unknown["visitor"]["identity_id"]
    [visitor] = visitors(client)
    assert (visitor["id"], visitor["name"]) == (unknown["visitor"]["identity_id"], None)


def test_photographs_that_show_something_new_become_faces_of_the_visitor_up_to_the_most(
    client: TestClient, door: str, see: See
) -> None:
    client.patch(DOOR, json={"max_visitor_faces": 3}).raise_for_status()

    outcomes = [see(photograph)["visitor"]["outcome"] for photograph in photographs("George_W_Bush", 8)]

    assert outcomes[0] == "new"
    assert outcomes.count("face_added") == 2, outcomes
    assert set(outcomes) == {"new", "face_added", "seen"}
    [visitor] = visitors(client)
    assert visitor["faces_total"] == 3
    assert client.get(DOOR).json()["faces"] == 3


def test_the_same_photograph_adds_no_face(client: TestClient, door: str, see: See) -> None:
    [photograph] = photographs("George_W_Bush", 1)
    see(photograph)

    assert see(photograph)["visitor"]["outcome"] == "seen"
    assert client.get(DOOR).json()["faces"] == 1


def test_several_strangers_on_a_photograph_are_as_many_visitors(
    client: TestClient, door: str, hopper: bytes, collins: bytes
) -> None:
    together = np.concatenate([pixels(hopper)[:500, :500], pixels(collins)[:500, :500]], axis=1)

    answer = identify(client, "door", jpeg(together), max_faces=2)

    assert [face["visitor"]["outcome"] for face in answer["faces"]] == ["new", "new"]
    assert len(visitors(client)) == 2


@pytest.mark.parametrize(
    "fields", [{"remember": "false"}, {"threshold": 0.3}, {"filter": '{"anonymous": "exclude"}'}]
)
def test_a_search_that_is_not_to_remember_or_has_its_own_threshold_or_a_filter_changes_nothing(
    client: TestClient, door: str, see: See, fields: dict[str, Any]
) -> None:
    before = counts(client, "door")

    face = see(photographs("George_W_Bush", 1)[0], **fields)

    assert face["visitor"] is None
    assert counts(client, "door") == before


def test_a_search_of_several_galleries_remembers_nobody(client: TestClient, door: str) -> None:
    """Who is unknown in one may be known in the other."""
    client.post("/v1/galleries", json={"name": "other", "remember_unknown": True}).raise_for_status()

    answer = client.post(
        "/v1/identify",
        files=files("image", photographs("George_W_Bush", 1)[0]),
        data={"galleries": ["door", "other"]},
    )

    assert answer.status_code == 200, answer.text
    assert [counts(client, name) for name in ("door", "other")] == [(0, 0, 0)] * 2


def test_a_gallery_remembers_nobody_unless_its_policy_says_so(
    client: TestClient, door: str, see: See
) -> None:
    client.post("/v1/galleries", json={"name": "other"}).raise_for_status()
    [photograph] = photographs("George_W_Bush", 1)

    [face] = identify(client, "other", photograph)["faces"]
    assert face["visitor"] is None
    assert counts(client, "other") == (0, 0, 0)

    client.patch(DOOR, json={"remember_unknown": False}).raise_for_status()
    assert see(photograph)["visitor"] is None
    assert counts(client, "door") == (0, 0, 0)


def test_detection_and_verification_remember_nobody(
    client: TestClient, door: str, hopper: bytes, collins: bytes
) -> None:
    person = enrol(client, "door", hopper)["id"]
    before = counts(client, "door")

    client.post("/v1/detect", files=files("image", collins)).raise_for_status()
    client.post(f"{DOOR}/identities/{person}/verify", files=files("image", collins)).raise_for_status()

    assert counts(client, "door") == before


def test_a_face_below_the_quality_of_the_policy_is_not_remembered(
    client: TestClient, door: str, see: See
) -> None:
    client.patch(DOOR, json={"min_visitor_quality": 90}).raise_for_status()
    small = jpeg(pixels(photographs("George_W_Bush", 1)[0])[::2, ::2])

    face = see(small)

    assert face["quality"]["score"] < 90
    assert face["visitor"] == {"outcome": "low_quality", "identity_id": None}
    assert visitors(client) == []


def test_a_face_at_a_given_box_is_remembered_where_a_face_was_found_in_it(
    client: TestClient, door: str, see: See, hopper: bytes
) -> None:
    answer = client.post("/v1/detect", files=files("image", hopper)).json()
    box = ",".join(str(answer["faces"][0]["box"][side]) for side in ("x", "y", "width", "height"))
    wall = jpeg(np.random.default_rng(7).integers(0, 256, (400, 400, 3), np.uint8))

    on_the_wall, around_the_face = see(wall, box="100,100,200,200"), see(hopper, box=box)

    assert on_the_wall["landmark_source"] == "mean_face"
    assert on_the_wall["visitor"] == {"outcome": "low_quality", "identity_id": None}
    assert around_the_face["visitor"]["outcome"] == "new"


def test_a_face_that_may_match_nobody_is_not_remembered(client: TestClient, door: str, see: See) -> None:
    client.patch(DOOR, json={"min_match_face_px": 10_000}).raise_for_status()

    face = see(photographs("George_W_Bush", 1)[0])

    assert face["unmatched_reason"] == "face_too_small"
    assert face["visitor"] is None
    assert visitors(client) == []


def test_a_person_who_is_enrolled_is_no_visitor(
    client: TestClient, door: str, see: See, hopper: bytes
) -> None:
    enrol(client, "door", hopper)

    assert see(hopper)["visitor"] is None
    assert visitors(client) == []


def test_who_is_named_is_no_visitor_any_more_and_is_found_by_the_name(
    client: TestClient, door: str, see: See
) -> None:
    first, second, third = photographs("George_W_Bush", 3)
    visitor = see(first)["visitor"]["identity_id"]

    client.patch(f"{DOOR}/identities/{visitor}", json={"name": "George"}).raise_for_status()
    face = see(second)

    assert face["candidates"][0]["identity"]["name"] == "George"
    assert face["visitor"] is None
    assert visitors(client) == []
    assert see(third)["candidates"][0]["identity"]["id"] == visitor


def test_whose_name_is_removed_is_anonymous_and_no_visitor_whom_the_next_minute_deletes(
    client: TestClient, door: str, see: See
) -> None:
    visitor = see(photographs("George_W_Bush", 1)[0])["visitor"]["identity_id"]
    path = f"{DOOR}/identities/{visitor}"
    client.patch(path, json={"name": "George"}).raise_for_status()

    client.patch(path, json={"name": None, "anonymous": True}).raise_for_status()

    person = client.get(path).json()
    assert (person["anonymous"], person["last_seen_at"]) == (True, None)
    assert visitors(client) == []


def test_a_group_of_photographs_that_is_seen_does_not_become_a_visitor(
    client: TestClient, door: str, see: See
) -> None:
    """Or it would be forgotten in time, with the photographs that somebody enrolled."""
    first, second = photographs("George_W_Bush", 2)
    group = enrol(client, "door", first, anonymous="true")["id"]

    face = see(second)

    assert face["candidates"][0]["identity"]["id"] == group
    assert face["visitor"] is None
    assert client.get(f"{DOOR}/identities/{group}").json()["last_seen_at"] is None


def test_a_group_that_takes_in_a_visitor_is_no_visitor_and_the_undo_restores_it(
    client: TestClient, door: str, see: See
) -> None:
    first, second = photographs("George_W_Bush", 1)[0], photographs("Tony_Blair", 1)[0]
    group = enrol(client, "door", first, anonymous="true")["id"]
    visitor = see(second)["visitor"]["identity_id"]

    merged = client.post(f"{DOOR}/identities/{visitor}/merge", json={"other": group})
    assert merged.status_code == 200, merged.text
    assert visitors(client) == []

    client.post(f"{DOOR}/people-changes/{merged.json()['id']}/undo").raise_for_status()
    assert [one["id"] for one in visitors(client)] == [visitor]


def test_the_visitor_who_was_seen_last_is_listed_first_page_by_page(
    client: TestClient, door: str, see: See
) -> None:
    people = ["George_W_Bush", "Tony_Blair", "Colin_Powell"]
    seen = [see(photographs(person, 1)[0])["visitor"]["identity_id"] for person in people]

    listed, cursor = [], None
    while True:
        query = {"limit": 1} | ({} if cursor is None else {"cursor": cursor})
        page = client.get(f"{DOOR}/visitors", params=query).json()
        listed += [visitor["id"] for visitor in page["visitors"]]
        assert page["total"] == 3
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert listed == seen[::-1]
