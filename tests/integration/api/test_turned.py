"""Pictures on their side or their head, without EXIF: the whole way, over HTTP."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.pictures import jpeg, pixels

STAFF = "/v1/galleries/staff"


@pytest.fixture
def staff(client: TestClient, collins: bytes) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    people = f"{STAFF}/identities"
    client.post(people, files={"images": collins}, data={"name": "Eileen"}).raise_for_status()
    return client


def turned(portrait: bytes, degrees: int) -> bytes:
    """As it must be turned clockwise by so many degrees to stand upright."""
    return jpeg(np.ascontiguousarray(np.rot90(pixels(portrait), degrees // 90)))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_that_is_turned_is_enrolled_identified_and_verified_and_the_turn_is_told(
    staff: TestClient, hopper: bytes, degrees: int
) -> None:
    enrolled = staff.post(
        f"{STAFF}/identities", files={"images": turned(hopper, degrees)}, data={"name": "Grace"}
    )

    assert enrolled.status_code == 201
    [face] = enrolled.json()["faces"]
    assert face["rotation_degrees"] == degrees

    for probe, rotation in ((hopper, 0), (turned(hopper, degrees), degrees)):
        [identified] = staff.post(f"{STAFF}/identify", files={"image": probe}).json()["faces"]
        assert identified["rotation_degrees"] == rotation
        best = identified["candidates"][0]
        assert (best["identity"]["name"], best["matched"]) == ("Grace", True)
        assert best["score"] > 0.9

    verified = staff.post("/v1/verify", files={"image_a": hopper, "image_b": turned(hopper, degrees)}).json()
    assert verified["matched"]
    assert [face["rotation_degrees"] for face in verified["faces"]] == [0, degrees]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_face_in_a_turned_picture_lies_where_the_client_sees_it(
    staff: TestClient, hopper: bytes, degrees: int
) -> None:
    upright = staff.post("/v1/detect", files={"image": hopper}).json()

    found = staff.post("/v1/detect", files={"image": turned(hopper, degrees)}).json()

    assert found["faces_found"] == 1
    sides = {found["width_px"], found["height_px"]}
    assert sides == {upright["width_px"], upright["height_px"]}
    box = found["faces"][0]["box"]
    nose = found["faces"][0]["landmarks"]["nose"]
    assert box["x"] < nose[0] < box["x"] + box["width"]
    assert box["y"] < nose[1] < box["y"] + box["height"]
    x, y = upright["faces"][0]["landmarks"]["nose"]
    width, height = upright["width_px"], upright["height_px"]
    expected = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[degrees]
    np.testing.assert_allclose(nose, expected, atol=0.05 * box["width"])


def test_the_stored_crop_of_a_turned_picture_stands_upright(staff: TestClient, hopper: bytes) -> None:
    """A new model's embeddings are made of crops: they show the face as the photograph's would."""
    created = staff.post(
        f"{STAFF}/identities", files={"images": turned(hopper, 90)}, data={"name": "Grace"}
    ).json()
    face = created["faces"][0]["id"]

    crop = staff.get(f"{STAFF}/identities/{created['id']}/faces/{face}/crop").content

    [found] = staff.post("/v1/detect", files={"image": crop}).json()["faces"]
    assert found["rotation_degrees"] == 0
    verified = staff.post("/v1/verify", files={"image_a": hopper, "image_b": crop}).json()
    assert verified["score"] > 0.9
