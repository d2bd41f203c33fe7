"""Bursts without a challenge."""

import io
import json
from typing import Any

import PIL.Image
from fastapi.testclient import TestClient

from indexer.records.audit.event import Action
from indexer.records.database.session import Database
from tests.support.asking import assert_problem
from tests.support.audit import last_number, rows_after
from tests.support.pictures import SHARED, encoded
from tests.support.weights import needs_liveness

pytestmark = needs_liveness

PEOPLE = SHARED / "data" / "presentation"
OBAMA = SHARED / "data" / "photos" / "gallery" / "obama" / "obama.jpg"
TURNING = (50, 72, 118, 159)
"""Frames of a man who turns and nods."""


def frames(*numbers: int) -> list[bytes]:
    return [(PEOPLE / "real" / f"{number}.jpg").read_bytes() for number in numbers]


def moved(picture: bytes, *, by: int, enlarged: float = 1.0) -> bytes:
    """The same photograph, shifted and enlarged."""
    image = PIL.Image.open(io.BytesIO(picture)).convert("RGB")
    terms = (1 / enlarged, 0, by, 0, 1 / enlarged, by / 2)
    return encoded(image.transform(image.size, PIL.Image.Transform.AFFINE, terms), "JPEG", quality=93)


def check(client: TestClient, pictures: list[bytes], **data: str) -> Any:
    return client.post("/v1/liveness", files=[("frames", picture) for picture in pictures], data=data)


def verdict(client: TestClient, pictures: list[bytes], **data: str) -> tuple[str, list[str]]:
    answer = check(client, pictures, **data).raise_for_status().json()
    return answer["verdict"], answer["reasons"]


def test_a_man_who_turns_his_head_is_live(client: TestClient) -> None:
    answer = check(client, frames(*TURNING)).raise_for_status().json()

    assert (answer["verdict"], answer["reasons"]) == ("live", [])
    assert answer["distinct_frames"] == 4
    assert answer["worst"] == min(frame["live"] for frame in answer["frames"]) <= answer["live"] <= 1
    assert answer["same_person"]["score"] >= answer["same_person"]["threshold"]
    assert answer["challenge"] is None


def test_a_still_is_not_live_however_often_it_is_sent(client: TestClient) -> None:
    [still] = frames(31)

    assert verdict(client, 10 * [still]) == ("cannot_tell", ["still"])


def test_a_still_that_is_shifted_and_enlarged_is_not_live(client: TestClient) -> None:
    still = OBAMA.read_bytes()
    burst = [still, *(moved(still, by=40 * n, enlarged=1 + n / 20) for n in range(1, 6))]

    _, reasons = verdict(client, burst)

    assert "still" in reasons


def test_frames_of_two_people_are_an_attack(client: TestClient) -> None:
    assert verdict(client, [*frames(*TURNING), OBAMA.read_bytes()]) == ("attack", ["different_people"])


def test_frames_of_a_screen_are_an_attack(client: TestClient) -> None:
    screens = [(PEOPLE / "fake" / f"{number}.jpg").read_bytes() for number in (180, 205, 240, 270)]

    kind, reasons = verdict(client, screens)

    assert kind == "attack"
    assert "not_live" in reasons


def test_a_frame_without_a_face_is_said(client: TestClient) -> None:
    wall = encoded(PIL.Image.new("RGB", (300, 300), (90, 120, 150)), "JPEG")

    assert verdict(client, [*frames(*TURNING), wall]) == ("cannot_tell", ["no_face"])


def test_a_burst_has_three_to_ten_frames_and_a_bad_one_is_named(client: TestClient) -> None:
    one = frames(1)

    assert_problem(check(client, 2 * one), 422, "invalid_request")
    assert_problem(check(client, 11 * one), 422, "invalid_request")
    problem = check(client, [*one, b"no picture", *one])
    assert_problem(problem, 415, "unsupported_image_format")
    assert problem.json()["field"] == "frames.1"


def test_the_audit_record_has_figures_of_a_burst_and_no_picture(
    client: TestClient, database: Database
) -> None:
    number = last_number(database)
    answer = check(client, 3 * frames(31)).raise_for_status().json()

    [event] = rows_after(database, number)
    assert (event["action"], str(event["id"])) == (Action.LIVENESS_CHECKED, answer["audit_id"])
    details = json.loads(event["details"])
    assert (details["verdict"], details["reasons"], details["frames"]) == ("cannot_tell", ["still"], 3)
    assert len(event["details"]) < 500
