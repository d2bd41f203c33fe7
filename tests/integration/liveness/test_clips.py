"""Clips instead of frames."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from tests.integration.liveness.test_drawn_movements import DOWN, FRONT, LEFT, UP, draw
from tests.support.asking import assert_problem
from tests.support.clips import H264, presented, turning_head
from tests.support.weights import needs_liveness

pytestmark = needs_liveness


@pytest.fixture(scope="module")
def turning() -> bytes:
    """A man looks into the lens, to his left, up, and down, 3.2 seconds."""
    return turning_head(FRONT, LEFT, UP, DOWN)


def check(client: TestClient, clip: bytes, **data: str) -> Any:
    return client.post("/v1/liveness", files=[("clip", ("clip.webm", clip))], data=data)


def test_a_clip_of_the_movements_in_their_order_is_live(
    client: TestClient, database: Database, turning: bytes
) -> None:
    token = draw(client, database, "turn_left", "look_up", "look_down")

    answer = check(client, turning, token=token).raise_for_status().json()

    assert (answer["verdict"], answer["reasons"]) == ("live", []), answer
    assert answer["challenge"]["shown"] == ["turn_left", "look_up", "look_down"]
    times = [each["at_ms"] for each in answer["frames"]]
    assert len(times) == 10
    assert times == sorted(set(times))
    assert times[0] == 0
    assert times[-1] >= 3000


def test_a_clip_of_other_movements_fails_the_challenge(
    client: TestClient, database: Database, turning: bytes
) -> None:
    token = draw(client, database, "look_up", "turn_left", "look_down")

    answer = check(client, turning, token=token).raise_for_status().json()

    assert (answer["verdict"], answer["reasons"]) == ("cannot_tell", ["movements_not_shown"])


def test_a_clip_without_a_challenge_is_judged_by_ten_frames(client: TestClient, turning: bytes) -> None:
    answer = check(client, turning).raise_for_status().json()

    assert answer["verdict"] == "live"
    assert (len(answer["frames"]), answer["challenge"], answer["frames"][3]["yaw"]) == (10, None, None)


def test_a_clip_of_a_still_is_not_live(client: TestClient) -> None:
    answer = check(client, turning_head(FRONT, each=20)).raise_for_status().json()

    assert answer["verdict"] == "cannot_tell"
    assert "still" in answer["reasons"]


def test_a_request_has_frames_or_a_clip_and_a_bad_clip_is_said(client: TestClient, turning: bytes) -> None:
    picture = presented(FRONT)
    both = [(name, (f"{name}.bin", data)) for name, data in [("clip", turning), *3 * [("frames", picture)]]]

    problem = assert_problem(client.post("/v1/liveness", files=both), 422, "invalid_request")
    assert problem["detail"] == "send either frames or a clip"
    assert_problem(client.post("/v1/liveness", data={"several_faces": "largest"}), 422, "invalid_request")
    assert_problem(check(client, picture), 415, "unsupported_clip_format")
    assert_problem(check(client, H264[:1000]), 422, "unreadable_clip")
