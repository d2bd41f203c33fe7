"""The movement `close_eyes`, in photographs of one man of LFW. They are grey, so that the verdict is never
`live`; the movements are judged all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.integration.liveness.test_drawn_movements import draw
from tests.support.pictures import shared
from tests.support.weights import attributes_mirror, needs_eyes, needs_liveness

pytestmark = [needs_liveness, needs_eyes]

OPEN, CLOSED, LEFT, OPEN_AGAIN = 18, 31, 47, 25
"""Photographs of Gerhard Schroeder."""
REQUESTED = ["close_eyes", "turn_left"]


def check(client: TestClient, token: str, *numbers: int) -> dict[str, object]:
    folder = shared("data/lfw/Gerhard_Schroeder")
    pictures = [(folder / f"Gerhard_Schroeder_{number:04}.jpg").read_bytes() for number in numbers]
    answer = client.post(
        "/v1/liveness", files=[("frames", picture) for picture in pictures], data={"token": token}
    )
    found: dict[str, object] = answer.raise_for_status().json()
    return found


def test_eyes_that_close_and_open_again_answer_a_challenge(client: TestClient, database: Database) -> None:
    answer = check(client, draw(client, database, *REQUESTED), OPEN, CLOSED, LEFT, OPEN_AGAIN)

    assert answer["challenge"] == {"passed": True, "requested": REQUESTED, "shown": REQUESTED}
    assert "movements_not_shown" not in answer["reasons"]  # type: ignore[operator]
    closed = [frame["eyes_closed"] for frame in answer["frames"]]  # type: ignore[attr-defined]
    assert closed[1] > 0.9 > 0.1 > max(closed[0], closed[3])


def test_frames_that_do_not_show_it_are_no_answer(client: TestClient, database: Database) -> None:
    shown_by = {
        (OPEN, OPEN_AGAIN, LEFT, OPEN): ["turn_left"],
        (OPEN, LEFT, CLOSED, OPEN_AGAIN): ["turn_left", "close_eyes"],
        (CLOSED, CLOSED, LEFT, CLOSED): ["turn_left"],
    }
    for numbers, shown in shown_by.items():
        answer = check(client, draw(client, database, *REQUESTED), *numbers)

        assert answer["challenge"] == {"passed": False, "requested": REQUESTED, "shown": shown}
        assert "movements_not_shown" in answer["reasons"]  # type: ignore[operator]


def drawn(client: TestClient) -> set[str]:
    """The movements of 12 challenges: one of six is missing in all of them two times in a million."""
    answers = [client.post("/v1/liveness/challenges", json={"movements": 5}) for _ in range(12)]
    return {movement for answer in answers for movement in answer.raise_for_status().json()["movements"]}


def test_closing_the_eyes_is_drawn_where_it_can_be_measured(client: TestClient) -> None:
    assert "close_eyes" in drawn(client)


@pytest.fixture
def without_eyes(database: Database, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    mirror = str(attributes_mirror(tmp_path))
    chosen = settings.model_copy(update={"model_mirror": mirror, "attributes": "liveness,pose"})
    with TestClient(create_app(chosen)) as client:
        yield client


def test_closing_the_eyes_is_never_drawn_where_it_cannot(without_eyes: TestClient) -> None:
    movements = drawn(without_eyes)

    assert len(movements) == 5
    assert "close_eyes" not in movements
