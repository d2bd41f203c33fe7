"""Faces too small or too blurred to be told from others: candidates are listed, none is matched."""

from typing import Any

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient

from indexer.vision import degrade
from tests.support.pictures import jpeg, pixels

STAFF = "/v1/galleries/staff"


@pytest.fixture
def staff(client: TestClient, hopper: bytes) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    people = f"{STAFF}/identities"
    client.post(people, files={"images": hopper}, data={"name": "Grace"}).raise_for_status()
    return client


def identify(client: TestClient, image: bytes, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"{STAFF}/identify", files={"image": image}, data=fields)
    assert answer.status_code == 200, answer.text
    [face] = answer.json()["faces"]
    found: dict[str, Any] = face
    return found


def policy(client: TestClient, **limits: float | None) -> dict[str, Any]:
    answer = client.patch(STAFF, json=limits)
    assert answer.status_code == 200, answer.text
    gallery: dict[str, Any] = answer.json()
    return gallery


def test_a_face_below_a_limit_of_the_gallery_has_candidates_and_is_matched_to_none_for_a_reason(
    staff: TestClient, hopper: bytes
) -> None:
    blurred = jpeg(degrade.blur(pixels(hopper), 4))
    assert identify(staff, blurred)["candidates"][0]["matched"], "no limit by default"

    policy(staff, min_match_sharpness=0.05)
    unmatched = identify(staff, blurred, threshold=-1)
    sharp = identify(staff, hopper)

    assert unmatched["unmatched_reason"] == "face_blurred"
    assert [c["identity"]["name"] for c in unmatched["candidates"]] == ["Grace"]
    assert not unmatched["candidates"][0]["matched"], "whatever the threshold"
    assert (sharp["unmatched_reason"], sharp["candidates"][0]["matched"]) == (None, True)


def test_each_limit_is_set_kept_and_turned_off_by_itself(staff: TestClient, hopper: bytes) -> None:
    small = jpeg(np.asarray(PIL.Image.fromarray(pixels(hopper)).resize((256, 300))))
    side = min(identify(staff, small)["box"][key] for key in ("width", "height"))

    assert policy(staff, min_match_face_px=side + 1)["min_match_face_px"] == side + 1
    too_small = identify(staff, small)
    assert (too_small["unmatched_reason"], too_small["candidates"][0]["matched"]) == ("face_too_small", False)
    assert identify(staff, hopper)["candidates"][0]["matched"]

    gallery = policy(staff, min_match_sharpness=10.0, identify_fpir=0.01)
    assert gallery["min_match_face_px"] == side + 1, "what is left out stays"
    assert identify(staff, hopper)["unmatched_reason"] == "face_blurred"

    off = policy(staff, min_match_face_px=0, min_match_sharpness=0)
    assert (off["identify_fpir"], off["min_match_sharpness"]) == (0.01, 0)
    assert identify(staff, small)["candidates"][0]["matched"]
    assert policy(staff, min_match_sharpness=None)["min_match_sharpness"] is None, "as the settings say"


@pytest.mark.parametrize("field", ["min_match_face_px", "min_match_sharpness"])
@pytest.mark.parametrize("value", [-1, "much", 1e300])
def test_an_invalid_limit_is_rejected(staff: TestClient, field: str, value: object) -> None:
    assert staff.patch(STAFF, json={field: value}).status_code == 422
    new = {"name": "other", field: value}
    assert staff.post("/v1/galleries", json=new).status_code == 422
