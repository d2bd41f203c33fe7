"""Enrol, identify, verify, detect: the whole service on real faces."""

import math
from collections.abc import Callable
from uuid import uuid4

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient
from PIL import ImageEnhance, ImageFilter, ImageOps

from tests.support.altered_pictures import as_jpeg, cropped, opened, scaled, side_by_side
from tests.support.asking import (
    enrol,
    identify,
    matched_names,
)

Alteration = Callable[[PIL.Image.Image], PIL.Image.Image]


ALTERATIONS: dict[str, Alteration] = {
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.5),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "three times the size": lambda image: image.resize((image.width * 3, image.height * 3)),
    "JPEG quality 20": lambda image: opened(as_jpeg(image, quality=20)),
    "mirrored": ImageOps.mirror,
    "cropped": cropped,
    "turned by 20 degrees": lambda image: image.rotate(20, expand=True),
    "grey": lambda image: image.convert("L"),
    "a little blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_a_person_is_found_in_an_altered_picture(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes, alteration: Alteration
) -> None:
    """One picture each is enough, and the right one of the two is found, the other not matched."""
    enrol(api, gallery, hopper, name="Hopper")
    enrol(api, gallery, collins, name="Collins")

    for picture, name in ((hopper, "Hopper"), (collins, "Collins")):
        [face] = identify(api, gallery, as_jpeg(alteration(opened(picture))))["faces"]

        assert face["candidates"][0]["identity"]["name"] == name
        assert matched_names(face) == [name]


def test_the_answer_of_identify_has_all_that_was_promised(
    api: TestClient, gallery: str, hopper: bytes
) -> None:
    """The fields that clients count on, with values that agree with one another."""
    enrolled = enrol(
        api, gallery, hopper, external_id="4711", name="Hopper", metadata='{"department": "computing"}'
    )
    answer = identify(api, gallery, hopper)

    assert answer["gallery_size"] == 1
    assert answer["model"] == enrolled["model"]
    assert -1 <= answer["threshold"] <= 1
    assert {"decode", "detect", "align", "embed", "search", "total"} <= answer["timings_ms"].keys()
    assert all(milliseconds >= 0 for milliseconds in answer["timings_ms"].values())

    [face] = answer["faces"]
    assert face["box"] == enrolled["faces"][0]["box"]
    assert face["landmarks"] == enrolled["faces"][0]["landmarks"]
    assert 0 <= face["quality"]["score"] <= 100
    assert 0.7 <= face["confidence"] <= 1

    [candidate] = face["candidates"]
    assert candidate["identity"] == {
        "id": enrolled["id"],
        "external_id": "4711",
        "name": "Hopper",
        "anonymous": False,
        "hidden": False,
        "last_seen_at": None,
    }
    assert candidate["face_id"] == enrolled["faces"][0]["id"]
    assert candidate["score"] == pytest.approx(1, abs=1e-4)
    assert candidate["distance"] == pytest.approx(0, abs=0.02)
    assert candidate["matched"] is True


def test_score_and_distance_tell_the_same(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    enrol(api, gallery, hopper)
    [face] = identify(api, gallery, collins)["faces"]
    [candidate] = face["candidates"]

    assert candidate["distance"] == pytest.approx(math.sqrt(2 - 2 * candidate["score"]), abs=1e-4)
    assert candidate["matched"] is False


def test_an_identity_is_a_candidate_once_though_it_has_several_faces(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Five of Hopper's faces come before Collins's one; both are candidates, each by the nearest."""
    variants = [hopper, *(as_jpeg(opened(hopper), quality) for quality in (90, 80, 70, 60))]
    many = enrol(api, gallery, *variants, name="Hopper")
    enrol(api, gallery, collins, name="Collins")
    assert len(many["faces"]) == 5

    [face] = identify(api, gallery, hopper, max_candidates=2)["faces"]

    assert [c["identity"]["name"] for c in face["candidates"]] == ["Hopper", "Collins"]
    assert face["candidates"][0]["face_id"] == many["faces"][0]["id"]


def test_several_faces_are_identified_the_largest_first(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Left or right makes no difference: Hopper's face is the larger one."""
    enrol(api, gallery, hopper, name="Hopper")
    enrol(api, gallery, collins, name="Collins")
    for both in (side_by_side(hopper, collins), side_by_side(collins, hopper)):
        answer = identify(api, gallery, both, max_faces=10)

        assert [matched_names(face) for face in answer["faces"]] == [["Hopper"], ["Collins"]]
        assert answer["faces_found"] == 2


def test_max_faces_is_one_unless_said_otherwise(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    enrol(api, gallery, hopper, name="Hopper")
    both = side_by_side(collins, hopper)

    answer = identify(api, gallery, both)
    [face] = answer["faces"]

    assert matched_names(face) == ["Hopper"]
    assert answer["faces_found"] == 2
    assert len(identify(api, gallery, both, max_faces=2)["faces"]) == 2


def test_a_picture_without_a_face_is_answered_with_no_faces(
    api: TestClient, gallery: str, hopper: bytes, nobody: bytes
) -> None:
    enrol(api, gallery, hopper)
    answer = identify(api, gallery, nobody)

    assert answer["faces"] == []
    assert answer["faces_found"] == 0


def test_an_empty_gallery_has_no_candidates(api: TestClient, gallery: str, hopper: bytes) -> None:
    answer = identify(api, gallery, hopper)

    assert answer["gallery_size"] == 0
    assert [face["candidates"] for face in answer["faces"]] == [[]]


def test_matched_follows_the_threshold_that_was_sent(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    enrol(api, gallery, hopper)
    score = identify(api, gallery, collins)["faces"][0]["candidates"][0]["score"]

    for threshold, matched in ((-1, True), (score - 0.001, True), (score + 0.001, False), (1, False)):
        answer = identify(api, gallery, collins, threshold=threshold)

        assert answer["threshold"] == pytest.approx(threshold, abs=1e-5)
        assert answer["faces"][0]["candidates"][0]["matched"] is matched


def test_max_candidates_bounds_the_people(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    for name, picture in (("Hopper", hopper), ("Collins", collins), ("Twin", scaled(hopper, 0.9))):
        enrol(api, gallery, picture, name=name)

    for wanted, got in ((1, 1), (2, 2), (3, 3), (50, 3)):
        [face] = identify(api, gallery, hopper, max_candidates=wanted)["faces"]
        scores = [c["score"] for c in face["candidates"]]

        assert len(scores) == got
        assert scores == sorted(scores, reverse=True)


def test_galleries_do_not_see_one_another(api: TestClient, gallery: str, hopper: bytes) -> None:
    other = f"other-{uuid4().hex}"
    api.post("/v1/galleries", json={"name": other})
    enrol(api, other, hopper, name="Hopper")

    assert identify(api, gallery, hopper)["faces"][0]["candidates"] == []
    assert matched_names(identify(api, other, hopper)["faces"][0]) == ["Hopper"]


def test_a_face_that_fills_the_picture_is_found(api: TestClient, gallery: str, hopper: bytes) -> None:
    """A passport scan cut close."""
    enrol(api, gallery, hopper, name="Hopper")
    close = opened(hopper).crop((175, 110, 362, 340)).resize((748, 920))
    [face] = identify(api, gallery, as_jpeg(close))["faces"]

    assert matched_names(face) == ["Hopper"]


def test_a_small_face_in_a_large_photograph_is_found(api: TestClient, gallery: str, hopper: bytes) -> None:
    """24 megapixels from a telephone, the person in a corner of it."""
    enrol(api, gallery, hopper, name="Hopper")
    canvas = np.full((4000, 6000, 3), 128, np.uint8)
    person = np.asarray(opened(hopper))
    canvas[3000 : 3000 + person.shape[0], 200 : 200 + person.shape[1]] = person
    answer = identify(api, gallery, as_jpeg(PIL.Image.fromarray(canvas)))

    assert matched_names(answer["faces"][0]) == ["Hopper"]
