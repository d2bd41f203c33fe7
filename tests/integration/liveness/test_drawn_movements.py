"""Bursts that answer a challenge."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records.database.session import Database
from tests.support.asking import assert_problem
from tests.support.pictures import SHARED
from tests.support.weights import needs_liveness

pytestmark = needs_liveness

FRONT, LEFT, UP, DOWN = 50, 72, 118, 159
"""Frames of a man who turns and nods."""
BETWEEN = 55
"""Looks up, but by less than a movement."""


def draw(client: TestClient, database: Database, *movements: str) -> str:
    """A token, for these movements."""
    answer = client.post("/v1/liveness/challenges", json={"movements": len(movements)})
    assert answer.status_code == 201, answer.text
    with database.transaction() as session:  # they are drawn at random
        session.execute(text("UPDATE liveness_challenge SET movements = :names"), {"names": list(movements)})
    token: str = answer.json()["token"]
    return token


def check(client: TestClient, token: str, *numbers: int) -> Any:
    paths = [SHARED / "data" / "presentation" / "real" / f"{number}.jpg" for number in numbers]
    files = [("frames", path.read_bytes()) for path in paths]
    return client.post("/v1/liveness", files=files, data={"token": token})


def test_frames_that_show_the_movements_in_their_order_are_live(
    client: TestClient, database: Database
) -> None:
    token = draw(client, database, "turn_left", "look_up", "look_down")

    answer = check(client, token, FRONT, BETWEEN, LEFT, FRONT, UP, DOWN).raise_for_status().json()

    assert (answer["verdict"], answer["reasons"]) == ("live", [])
    movements = ["turn_left", "look_up", "look_down"]
    assert answer["challenge"] == {"passed": True, "requested": movements, "shown": movements}
    assert answer["frames"][2]["yaw"] > 15


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((FRONT, UP, LEFT, DOWN), ["look_up", "turn_left", "look_down"]),
        ((FRONT, LEFT, UP, BETWEEN), ["turn_left", "look_up"]),
        ((FRONT, LEFT, UP, DOWN, LEFT), ["turn_left", "look_up", "look_down", "turn_left"]),
        ((FRONT, FRONT, FRONT, FRONT), []),
        ((LEFT, LEFT, UP, DOWN), None),
    ],
    ids=["another order", "one is missing", "one too many", "a still", "the first is not frontal"],
)
def test_frames_that_do_not_show_them_are_not_live(
    client: TestClient, database: Database, numbers: tuple[int, ...], shown: list[str] | None
) -> None:
    token = draw(client, database, "turn_left", "look_up", "look_down")

    answer = check(client, token, *numbers).raise_for_status().json()

    assert answer["verdict"] == "cannot_tell"
    assert "movements_not_shown" in answer["reasons"]
    assert (answer["challenge"]["passed"], answer["challenge"]["shown"]) == (False, shown)


def test_of_two_bursts_with_one_token_at_once_one_is_judged(client: TestClient, database: Database) -> None:
    token = draw(client, database, "turn_left", "look_up")

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: check(client, token, FRONT, LEFT, UP), range(2)))

    judged, rejected = sorted(answers, key=lambda answer: answer.status_code)
    assert judged.json()["verdict"] == "live"
    assert_problem(rejected, 409, "challenge_used")


def test_a_token_that_failed_once_is_used_up(client: TestClient, database: Database) -> None:
    token = draw(client, database, "turn_left", "look_up")
    check(client, token, FRONT, UP, LEFT).raise_for_status()

    assert_problem(check(client, token, FRONT, LEFT, UP), 409, "challenge_used")


def test_an_expired_and_an_unknown_token_are_errors(client: TestClient, database: Database) -> None:
    token = draw(client, database, "turn_left", "look_up")
    with database.transaction() as session:
        session.execute(text("UPDATE liveness_challenge SET expires_at = now() - interval '1 second'"))

    assert_problem(check(client, token, FRONT, LEFT, UP), 409, "challenge_expired")
    assert_problem(check(client, "unknown", FRONT, LEFT, UP), 404, "challenge_not_found")


def test_a_challenge_has_two_to_five_movements_three_by_default(client: TestClient) -> None:
    drawn = client.post("/v1/liveness/challenges").json()["movements"]

    assert len(drawn) == 3
    assert_problem(client.post("/v1/liveness/challenges", json={"movements": 1}), 422, "invalid_request")
    assert_problem(client.post("/v1/liveness/challenges", json={"movements": 6}), 422, "invalid_request")


def test_an_empty_token_is_unknown_and_never_no_challenge(client: TestClient) -> None:
    assert_problem(check(client, "", FRONT, LEFT, UP, DOWN), 404, "challenge_not_found")
