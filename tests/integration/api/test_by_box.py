"""Enrol, identify, verify and detect the face at a given box or landmarks."""

import base64
import io
import json
from typing import Any

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient

from tests.support.pictures import jpeg, pixels

STAFF = "/v1/galleries/staff"


@pytest.fixture(scope="module")
def empty_picture() -> bytes:
    return jpeg(np.full((300, 300, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def both(hopper: bytes, collins: bytes) -> bytes:
    """Grace Hopper, and half as large beside her Eileen Collins."""
    large, small = pixels(hopper), pixels(collins)[::2, ::2]
    canvas = np.full((large.shape[0], large.shape[1] + small.shape[1], 3), 128, np.uint8)
    canvas[:, : large.shape[1]] = large
    canvas[: small.shape[0], large.shape[1] :] = small
    return jpeg(canvas)


@pytest.fixture(autouse=True)
def gallery(client: TestClient) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()


def detected(client: TestClient, picture: bytes) -> list[dict[str, Any]]:
    faces: list[dict[str, Any]] = client.post("/v1/detect", files={"image": picture}).json()["faces"]
    return faces


def as_text(box: dict[str, float]) -> str:
    return ",".join(str(box[side]) for side in ("x", "y", "width", "height"))


def test_the_smaller_person_is_enrolled_and_identified_by_the_box(
    client: TestClient, both: bytes, hopper: bytes, collins: bytes
) -> None:
    larger, smaller = detected(client, both)
    enrolled = client.post(
        f"{STAFF}/identities",
        files=[("images", both)],
        data={"external_id": "eileen", "boxes": as_text(smaller["box"])},
    )
    assert enrolled.status_code == 201, enrolled.text
    [source] = enrolled.json()["landmark_sources"].values()
    assert source == "detector"
    client.post(
        f"{STAFF}/identities",
        json={
            "external_id": "grace",
            "images": [base64.b64encode(both).decode()],
            "boxes": [larger["box"]],
        },
    ).raise_for_status()

    for picture, expected in ((collins, "eileen"), (hopper, "grace")):
        [face] = client.post(f"{STAFF}/identify", files={"image": picture}).json()["faces"]
        assert face["candidates"][0]["identity"]["external_id"] == expected
    for found, expected in ((smaller, "eileen"), (larger, "grace")):
        answer = client.post(
            f"{STAFF}/identify", files={"image": both}, data={"box": json.dumps(found["box"])}
        ).json()
        assert answer["faces_found"] == 1
        [face] = answer["faces"]
        assert face["landmark_source"] == "detector"
        assert face["candidates"][0]["identity"]["external_id"] == expected


def test_landmarks_of_an_answer_identify_the_face(client: TestClient, both: bytes, collins: bytes) -> None:
    client.post(
        f"{STAFF}/identities", files=[("images", collins)], data={"external_id": "eileen"}
    ).raise_for_status()
    _, smaller = detected(client, both)

    [face] = client.post(
        f"{STAFF}/identify",
        json={"image": base64.b64encode(both).decode(), "landmarks": smaller["landmarks"]},
    ).json()["faces"]

    assert face["landmark_source"] == "request"
    assert face["landmarks"] == smaller["landmarks"]
    assert face["candidates"][0]["identity"]["external_id"] == "eileen"
    assert face["candidates"][0]["matched"]


def test_where_the_detector_finds_nothing_the_answer_says_what_the_landmarks_are(
    client: TestClient, empty_picture: bytes
) -> None:
    answer = client.post("/v1/detect", files={"image": empty_picture}, data={"box": "50,50,77,100"})

    [face] = answer.json()["faces"]
    assert face["landmark_source"] == "mean_face"
    assert face["box"] == {"x": 50, "y": 50, "width": 77, "height": 100}
    assert face["confidence"] == 0


def test_the_quality_gate_holds_for_a_given_box(client: TestClient, empty_picture: bytes) -> None:
    answer = client.post(
        f"{STAFF}/identities", files=[("images", empty_picture)], data={"boxes": "50,50,77,100"}
    )

    assert answer.status_code == 422
    assert answer.json()["rejected"][0]["code"] == "face_blurred"


def test_boxes_are_in_pixels_of_the_upright_picture(client: TestClient, both: bytes) -> None:
    _, smaller = detected(client, both)
    image = PIL.Image.open(io.BytesIO(both)).transpose(PIL.Image.Transpose.ROTATE_90)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to show it, turn it clockwise by 90 degrees
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, quality=95)

    [face] = client.post(
        "/v1/detect", files={"image": file.getvalue()}, data={"box": as_text(smaller["box"])}
    ).json()["faces"]

    assert face["landmark_source"] == "detector"
    assert face["rotation_degrees"] == 0
    assert abs(face["box"]["x"] - smaller["box"]["x"]) < 0.3 * smaller["box"]["width"]


def test_both_pictures_of_a_comparison_may_have_a_box(
    client: TestClient, both: bytes, collins: bytes
) -> None:
    _, smaller = detected(client, both)

    answer = client.post(
        "/v1/verify", files={"image_a": both, "image_b": collins}, data={"box_a": as_text(smaller["box"])}
    ).json()

    assert answer["matched"]
    assert [face["faces_found"] for face in answer["faces"]] == [1, 1]


@pytest.mark.parametrize(
    ("box", "code"),
    [
        *(("1,2,3", "invalid_request"), ("a,b,c,d", "invalid_request"), ("nan,0,50,50", "invalid_request")),
        *(("0,0,-5,50", "invalid_request"), ("0,0,1e300,5", "invalid_request"), ("{", "invalid_request")),
        *(("900,900,50,50", "face_place_unusable"), ("10,10,3,3", "face_place_unusable")),
    ],
)
def test_a_box_that_is_none_or_lies_outside_is_422(
    client: TestClient, empty_picture: bytes, box: str, code: str
) -> None:
    answer = client.post(f"{STAFF}/identify", files={"image": empty_picture}, data={"box": box})

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


def test_a_box_beside_landmarks_and_a_wrong_number_of_boxes_are_422(
    client: TestClient, hopper: bytes
) -> None:
    [face] = detected(client, hopper)
    image = base64.b64encode(hopper).decode()
    for path, body in (
        ("identify", {"image": image, "box": face["box"], "landmarks": face["landmarks"]}),
        ("identities", {"images": [image], "boxes": [face["box"], None]}),
    ):
        answer = client.post(f"{STAFF}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text


def test_one_bad_box_of_several_rejects_its_picture_alone(
    client: TestClient, hopper: bytes, both: bytes
) -> None:
    larger, _ = detected(client, both)
    images = [base64.b64encode(picture).decode() for picture in (hopper, both, both)]
    outside = {"x": 5000, "y": 0, "width": 50, "height": 50}

    answer = client.post(
        f"{STAFF}/identities", json={"images": images, "boxes": [None, larger["box"], outside]}
    ).json()

    assert [(one["image"], one["code"]) for one in answer["rejected"]] == [(2, "face_place_unusable")]
    assert len(answer["faces"]) == 2
