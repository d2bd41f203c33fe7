"""What enrolment takes and rejects, and what is deleted, with real faces over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from tests.support.altered_pictures import blurred, scaled, side_by_side
from tests.support.asking import (
    assert_problem,
    counts,
    enrol,
    files,
    identify,
    matched_names,
    try_to_enrol,
    try_to_identify,
)


def test_the_answer_of_enrol_has_all_that_was_promised(api: TestClient, gallery: str, hopper: bytes) -> None:
    enrolled = enrol(api, gallery, hopper, external_id="4711", name="Hopper", metadata='{"a": [1, null]}')

    assert UUID(enrolled["id"]).version == 7
    assert enrolled["gallery"] == gallery
    assert enrolled["external_id"] == "4711"
    assert enrolled["name"] == "Hopper"
    assert enrolled["metadata"] == {"a": [1, None]}
    assert enrolled["rejected"] == []
    assert enrolled["model"]
    [face] = enrolled["faces"]
    assert UUID(face["id"]).version == 7
    assert face["box"]["width"] > 100
    assert set(face["landmarks"]) == {"left_eye", "right_eye", "nose", "mouth_left", "mouth_right"}
    assert len(face["image_sha256"]) == 64
    assert counts(api, gallery) == (1, 1, 1)


def refusals(problem: dict[str, Any]) -> list[str]:
    return [rejected["code"] for rejected in problem["rejected"]]


@pytest.mark.parametrize(
    ("make", "code", "has_figures"),
    [
        pytest.param(lambda h, c, n: n, "no_face_found", False, id="no face"),
        pytest.param(lambda h, c, n: side_by_side(h, c), "several_faces", True, id="several faces"),
        pytest.param(lambda h, c, n: scaled(h, 0.12), "face_too_small", True, id="too small"),
        pytest.param(lambda h, c, n: blurred(h, 8), "face_blurred", True, id="too blurred"),
    ],
)
def test_enrolment_refuses_what_would_poison_a_gallery_and_says_why(
    api: TestClient,
    gallery: str,
    hopper: bytes,
    collins: bytes,
    nobody: bytes,
    make: Callable[[bytes, bytes, bytes], bytes],
    code: str,
    has_figures: bool,
) -> None:
    """The reason with the measured figure and the limit, and nothing is stored."""
    problem = assert_problem(
        try_to_enrol(api, gallery, make(hopper, collins, nobody)), 422, "nothing_enrolled"
    )

    [rejected] = problem["rejected"]
    assert rejected["image"] == 0
    assert rejected["code"] == code
    assert rejected["message"]
    if has_figures:
        assert rejected["measured"] != rejected["limit"]
        assert (rejected["measured"] > rejected["limit"]) == (code == "several_faces")
    assert counts(api, gallery) == (0, 0, 0)


def test_of_several_faces_the_largest_is_enrolled_on_request(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    enrolled = enrol(api, gallery, side_by_side(collins, hopper), name="Hopper", several_faces="largest")
    assert len(enrolled["faces"]) == 1

    assert matched_names(identify(api, gallery, hopper)["faces"][0]) == ["Hopper"]
    assert matched_names(identify(api, gallery, collins)["faces"][0]) == []


def test_of_several_pictures_those_that_pass_are_stored_and_the_others_reported(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes, nobody: bytes
) -> None:
    """201 with `rejected`, each by the number of its picture, with figures where there are some."""
    pictures = [
        nobody,
        hopper,
        b"no picture at all",
        scaled(hopper, 0.12),
        hopper,
        side_by_side(hopper, collins),
        scaled(hopper, 0.8),
        b"",
    ]
    enrolled = enrol(api, gallery, *pictures, name="Hopper")

    assert {r["image"]: r["code"] for r in enrolled["rejected"]} == {
        0: "no_face_found",
        2: "unsupported_image_format",
        3: "face_too_small",
        4: "duplicate_image",
        5: "several_faces",
        7: "unsupported_image_format",
    }
    by_image = {r["image"]: r for r in enrolled["rejected"]}
    assert by_image[3]["measured"] < by_image[3]["limit"]
    assert len(enrolled["faces"]) == 2
    assert counts(api, gallery) == (1, 2, 3)  # the third change is the person's template


def test_where_no_picture_passes_nothing_is_stored(
    api: TestClient, gallery: str, hopper: bytes, nobody: bytes
) -> None:
    """Neither the identity, nor its external_id, which can be used at once."""
    rejected = try_to_enrol(api, gallery, nobody, b"junk", external_id="1", name="Nobody")
    problem = assert_problem(rejected, 422, "nothing_enrolled")

    assert refusals(problem) == ["no_face_found", "unsupported_image_format"]
    assert counts(api, gallery) == (0, 0, 0)
    assert api.get(f"/v1/galleries/{gallery}/identities").json()["identities"] == []
    enrol(api, gallery, hopper, external_id="1")


def test_faces_are_added_to_an_identity_and_refused_by_the_same_rules(
    api: TestClient, gallery: str, hopper: bytes, nobody: bytes
) -> None:
    identity = enrol(api, gallery, name="Hopper")
    faces = f"/v1/galleries/{gallery}/identities/{identity['id']}/faces"
    assert identity["faces"] == []

    added = api.post(faces, files=files("images", hopper, nobody))
    assert added.status_code == 201
    assert len(added.json()["faces"]) == 1
    assert [r["code"] for r in added.json()["rejected"]] == ["no_face_found"]
    assert matched_names(identify(api, gallery, hopper)["faces"][0]) == ["Hopper"]

    before = counts(api, gallery)
    again = assert_problem(api.post(faces, files=files("images", hopper)), 422, "nothing_enrolled")
    assert refusals(again) == ["duplicate_image"]
    assert counts(api, gallery) == before


def test_a_deleted_face_is_never_returned(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """The identity stays, and is found by its other face only."""
    identity = enrol(api, gallery, hopper, collins, name="Both")
    first, second = (face["id"] for face in identity["faces"])
    assert identify(api, gallery, hopper)["faces"][0]["candidates"][0]["face_id"] == first

    gone = api.delete(f"/v1/galleries/{gallery}/identities/{identity['id']}/faces/{first}")
    assert gone.status_code == 204

    answer = identify(api, gallery, hopper)
    assert answer["gallery_size"] == 1
    [candidate] = answer["faces"][0]["candidates"]
    assert candidate["face_id"] == second
    assert candidate["matched"] is False
    assert matched_names(identify(api, gallery, collins)["faces"][0]) == ["Both"]


def test_a_deleted_identity_is_never_returned(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    identity = enrol(api, gallery, hopper, scaled(hopper, 0.8), name="Hopper")
    enrol(api, gallery, collins, name="Collins")

    path = f"/v1/galleries/{gallery}/identities/{identity['id']}"
    assert api.delete(path).status_code == 204

    [face] = identify(api, gallery, hopper, threshold=-1)["faces"]
    assert matched_names(face) == ["Collins"]
    assert_problem(api.get(path), 404, "identity_not_found")
    assert_problem(api.delete(path), 404, "identity_not_found")
    assert_problem(api.post(f"{path}/verify", files=files("image", hopper)), 404, "identity_not_found")


def test_what_is_deleted_can_be_enrolled_again(api: TestClient, gallery: str, hopper: bytes) -> None:
    for _ in range(3):
        identity = enrol(api, gallery, hopper, external_id="1", name="Hopper")
        [face] = identify(api, gallery, hopper)["faces"]
        assert [c["identity"]["id"] for c in face["candidates"]] == [identity["id"]]
        api.delete(f"/v1/galleries/{gallery}/identities/{identity['id']}")
        assert identify(api, gallery, hopper)["faces"][0]["candidates"] == []


def test_a_deleted_gallery_is_gone_with_everybody_in_it(api: TestClient, gallery: str, hopper: bytes) -> None:
    """And one that is made under its name is empty."""
    enrol(api, gallery, hopper, name="Hopper")
    assert api.delete(f"/v1/galleries/{gallery}").status_code == 204

    assert_problem(try_to_identify(api, gallery, hopper), 404, "gallery_not_found")
    assert_problem(try_to_enrol(api, gallery, hopper), 404, "gallery_not_found")
    assert_problem(api.get(f"/v1/galleries/{gallery}"), 404, "gallery_not_found")

    api.post("/v1/galleries", json={"name": gallery})
    answer = identify(api, gallery, hopper)
    assert answer["gallery_size"] == 0
    assert answer["faces"][0]["candidates"] == []


def test_a_renamed_identity_is_found_under_its_new_name(api: TestClient, gallery: str, hopper: bytes) -> None:
    """Names come from PostgreSQL, not from the index."""
    identity = enrol(api, gallery, hopper, name="Hoper")
    api.patch(f"/v1/galleries/{gallery}/identities/{identity['id']}", json={"name": "Hopper"})

    assert matched_names(identify(api, gallery, hopper)["faces"][0]) == ["Hopper"]
