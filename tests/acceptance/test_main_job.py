"""Enrol, identify, verify, detect: the whole service on real faces."""

import base64
import io
import math
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient
from PIL import ImageEnhance, ImageFilter, ImageOps

from indexer.settings import Settings
from service.app import create_app
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
from tests.support.pictures import encoded

Alteration = Callable[[PIL.Image.Image], PIL.Image.Image]


def opened(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data)).convert("RGB")


def as_jpeg(image: PIL.Image.Image, quality: int = 92) -> bytes:
    return encoded(image, "JPEG", quality=quality)


def side_by_side(*pictures: bytes) -> bytes:
    images = [opened(picture) for picture in pictures]
    canvas = PIL.Image.new("RGB", (sum(i.width for i in images), max(i.height for i in images)))
    left = 0
    for image in images:
        canvas.paste(image, (left, 0))
        left += image.width
    return as_jpeg(canvas)


def blurred(picture: bytes, radius_px: float) -> bytes:
    return as_jpeg(opened(picture).filter(ImageFilter.GaussianBlur(radius_px)))


def scaled(picture: bytes, scale: float) -> bytes:
    image = opened(picture)
    return as_jpeg(image.resize((round(image.width * scale), round(image.height * scale))))


def cropped(image: PIL.Image.Image) -> PIL.Image.Image:
    """Head and shoulders, off centre."""
    return image.crop((80, 10, 450, 450))


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
    assert candidate["identity"] == {"id": enrolled["id"], "external_id": "4711", "name": "Hopper"}
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
    assert counts(api, gallery) == (1, 2, 2)


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


def test_json_with_base64_does_what_multipart_does(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Enrol, add, identify, verify and detect, each sent both ways, answer the same."""
    base = f"/v1/galleries/{gallery}"
    text = base64.b64encode(hopper).decode()
    by_form = enrol(api, gallery, hopper, name="Hopper", external_id="form", metadata='{"a": 1}')
    sent = api.post(
        f"{base}/identities",
        json={"images": [text], "name": "Hopper", "external_id": "json", "metadata": {"a": 1}},
    )
    assert sent.status_code == 201
    by_json = sent.json()
    for kept in ("name", "metadata", "model", "rejected"):
        assert by_form[kept] == by_json[kept]
    for kept in ("box", "landmarks", "quality", "image_sha256"):
        assert by_form["faces"][0][kept] == by_json["faces"][0][kept]

    def same(path: str, images: dict[str, bytes], **fields: Any) -> None:
        form = api.post(path, files=[f for k, v in images.items() for f in files(k, v)], data=fields)
        encoded_images = {k: base64.b64encode(v).decode() for k, v in images.items()}
        as_json = api.post(path, json=encoded_images | fields)
        assert form.status_code == as_json.status_code == 200
        one, other = form.json(), as_json.json()
        del one["timings_ms"], other["timings_ms"]
        assert one == other

    both = side_by_side(hopper, collins)
    same(f"{base}/identify", {"image": both}, max_faces=2, max_candidates=1, threshold=0.5)
    same(f"{base}/identities/{by_form['id']}/verify", {"image": hopper})
    same("/v1/verify", {"image_a": hopper, "image_b": collins}, threshold=0.3)
    same("/v1/detect", {"image": both}, max_faces=1)

    added = api.post(
        f"{base}/identities/{by_form['id']}/faces",
        json={"images": [base64.b64encode(scaled(hopper, 0.8)).decode()]},
    )
    assert added.status_code == 201


def test_a_data_url_is_taken_as_base64(api: TestClient, gallery: str, hopper: bytes) -> None:
    """What a browser's canvas gives."""
    url = "data:image/jpeg;base64," + base64.b64encode(hopper).decode()
    answer = api.post("/v1/detect", json={"image": url})

    assert answer.status_code == 200
    assert answer.json()["faces_found"] == 1


def test_two_pictures_of_one_person_verify_and_two_of_two_do_not(
    api: TestClient, hopper: bytes, collins: bytes
) -> None:
    def verify(a: bytes, b: bytes, **fields: Any) -> dict[str, Any]:
        answer = api.post("/v1/verify", files=[*files("image_a", a), *files("image_b", b)], data=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    same = verify(hopper, as_jpeg(ImageOps.mirror(cropped(opened(hopper)))))
    different = verify(hopper, collins)

    assert same["matched"] is True
    assert different["matched"] is False
    assert same["score"] > same["threshold"] > different["score"]
    assert same["distance"] < different["distance"]
    assert same["face_id"] is None
    assert len(same["faces"]) == 2
    assert same["model"]
    assert same["timings_ms"]["total"] > 0
    assert verify(hopper, collins, threshold=-1)["matched"] is True


def test_a_picture_is_verified_against_an_identity(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes, nobody: bytes
) -> None:
    """The nearest of the identity's faces counts; an identity without faces cannot be compared with."""
    identity = enrol(api, gallery, collins, hopper, name="Both")
    path = f"/v1/galleries/{gallery}/identities/{identity['id']}/verify"

    for picture, face in zip((collins, hopper), identity["faces"], strict=True):
        answer = api.post(path, files=files("image", scaled(picture, 0.9))).json()
        assert answer["matched"] is True
        assert answer["face_id"] == face["id"]

    assert_problem(api.post(path, files=files("image", nobody)), 422, "no_face_found")
    empty = enrol(api, gallery, name="Nobody yet")
    path = f"/v1/galleries/{gallery}/identities/{empty['id']}/verify"
    assert_problem(api.post(path, files=files("image", hopper)), 422, "no_face_found")


def test_verify_says_which_picture_has_no_face(api: TestClient, hopper: bytes, nobody: bytes) -> None:
    answer = api.post("/v1/verify", files=[*files("image_a", hopper), *files("image_b", nobody)])
    problem = assert_problem(answer, 422, "no_face_found")

    assert "image_b" in problem["detail"]


def test_detect_finds_all_faces_the_largest_first(
    api: TestClient, hopper: bytes, collins: bytes, nobody: bytes
) -> None:
    both = side_by_side(collins, hopper)
    answer = api.post("/v1/detect", files=files("image", both)).json()

    assert (answer["width_px"], answer["height_px"]) == (1024, 600)
    widths = [face["box"]["width"] for face in answer["faces"]]
    assert len(widths) == answer["faces_found"] == 2
    assert widths == sorted(widths, reverse=True)
    assert answer["faces"][0]["box"]["x"] > 512  # Hopper, on the right, is larger
    assert {"box", "landmarks", "confidence", "quality"} <= answer["faces"][0].keys()

    one = api.post("/v1/detect", files=files("image", both), data={"max_faces": 1}).json()
    assert len(one["faces"]) == 1
    assert one["faces_found"] == 2
    assert api.post("/v1/detect", files=files("image", nobody)).json()["faces"] == []


def test_landmarks_lie_in_the_face(api: TestClient, hopper: bytes) -> None:
    """Eyes over nose over mouth, left on the left, all within the box."""
    [face] = api.post("/v1/detect", files=files("image", hopper)).json()["faces"]
    box, marks = face["box"], face["landmarks"]

    for x, y in marks.values():
        assert box["x"] < x < box["x"] + box["width"]
        assert box["y"] < y < box["y"] + box["height"]
    assert marks["left_eye"][0] < marks["right_eye"][0]
    assert marks["mouth_left"][0] < marks["mouth_right"][0]
    assert marks["left_eye"][1] < marks["nose"][1] < marks["mouth_left"][1]


def test_requests_at_once_all_finish_and_agree(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Eight identifications while people are enrolled and deleted: each is answered rightly."""
    enrol(api, gallery, hopper, name="Hopper")
    enrol(api, gallery, collins, name="Collins")
    both = side_by_side(hopper, collins)
    answers: list[list[list[str]]] = []
    changes: list[int] = []

    def ask() -> None:
        faces = identify(api, gallery, both, max_faces=2)["faces"]
        answers.append([matched_names(face)[:1] for face in faces])

    def come_and_go() -> None:
        for _ in range(3):
            passing = enrol(api, gallery, name="Passing")
            gone = api.delete(f"/v1/galleries/{gallery}/identities/{passing['id']}")
            changes.append(gone.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)] + [threading.Thread(target=come_and_go)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [[["Hopper"], ["Collins"]]] * 8
    assert changes == [204] * 3


def test_after_a_restart_everybody_is_found(
    service_settings: Settings, hopper: bytes, collins: bytes
) -> None:
    """A service is stopped, and another on the same database knows who was enrolled, and not who
    was deleted."""
    name = f"restart-{uuid4().hex}"
    with TestClient(create_app(service_settings)) as before:
        before.post("/v1/galleries", json={"name": name})
        enrolled = enrol(before, name, hopper, name="Hopper")
        gone = enrol(before, name, collins, name="Collins")
        before.delete(f"/v1/galleries/{name}/identities/{gone['id']}")
        answered = identify(before, name, hopper)

    with TestClient(create_app(service_settings)) as after:
        answer = identify(after, name, hopper)
        assert answer["faces"] == answered["faces"]
        assert answer["gallery_size"] == 1
        assert answer["faces"][0]["candidates"][0]["identity"]["id"] == enrolled["id"]
        assert matched_names(identify(after, name, collins)["faces"][0]) == []


def test_a_second_server_finds_at_once_what_the_first_enrolled(
    api: TestClient, service_settings: Settings, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Two run on one database: what one enrols the other finds, what one deletes the other no longer."""
    with TestClient(create_app(service_settings)) as second:
        assert identify(second, gallery, hopper)["gallery_size"] == 0

        person = enrol(api, gallery, hopper, name="Hopper")
        assert matched_names(identify(second, gallery, hopper)["faces"][0]) == ["Hopper"]

        other = enrol(second, gallery, collins, name="Collins")
        assert matched_names(identify(api, gallery, collins)["faces"][0]) == ["Collins"]

        api.delete(f"/v1/galleries/{gallery}/identities/{person['id']}")
        assert matched_names(identify(second, gallery, hopper)["faces"][0]) == []
        second.delete(f"/v1/galleries/{gallery}/identities/{other['id']}/faces/{other['faces'][0]['id']}")
        assert identify(api, gallery, collins)["faces"][0]["candidates"] == []

        api.delete(f"/v1/galleries/{gallery}")
        assert_problem(try_to_identify(second, gallery, hopper), 404, "gallery_not_found")


def test_a_renamed_identity_is_found_under_its_new_name(api: TestClient, gallery: str, hopper: bytes) -> None:
    """Names come from PostgreSQL, not from the index."""
    identity = enrol(api, gallery, hopper, name="Hoper")
    api.patch(f"/v1/galleries/{gallery}/identities/{identity['id']}", json={"name": "Hopper"})

    assert matched_names(identify(api, gallery, hopper)["faces"][0]) == ["Hopper"]


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
