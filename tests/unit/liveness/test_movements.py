"""Which movements postures show, and how movements are drawn."""

from collections import Counter

import pytest

from indexer.liveness.challenges import draw_movements
from indexer.liveness.movements import Movement, Posture, movements_of

LEFT, RIGHT, UP, DOWN, NEARER = Movement


def posture(yaw: float = 0, pitch: float = 0, size: float = 0.4) -> Posture:
    return Posture(yaw=yaw, pitch=pitch, size=size)


@pytest.mark.parametrize(
    ("shown", "movement"),
    [
        (posture(yaw=25), LEFT),
        (posture(yaw=-25), RIGHT),
        (posture(pitch=-18), UP),
        (posture(pitch=18), DOWN),
        (posture(size=0.56), NEARER),
        (posture(yaw=30, pitch=18), LEFT),
    ],
)
def test_the_clearest_movement_of_a_frame_counts(shown: Posture, movement: Movement) -> None:
    assert movements_of([posture(), shown]) == [movement]


def test_frames_of_one_movement_count_once_and_others_between_are_no_movement() -> None:
    frames = [posture(), posture(yaw=22), posture(yaw=30), posture(yaw=3), None, posture(yaw=-25)]

    assert movements_of(frames) == [LEFT, RIGHT]


def test_angles_are_measured_against_the_first_frame() -> None:
    """A camera above the screen."""
    assert movements_of([posture(pitch=15), posture(pitch=16), posture(pitch=1)]) == [UP]


@pytest.mark.parametrize("first", [posture(yaw=16), posture(pitch=-21), None])
def test_nothing_is_shown_where_the_first_frame_does_not_look_into_the_camera(first: Posture | None) -> None:
    assert movements_of([first, posture(yaw=-30), posture(yaw=30)]) is None


def test_no_two_movements_alike_follow_each_other_and_every_order_is_drawn() -> None:
    drawn = Counter(tuple(draw_movements(2)) for _ in range(2000))

    assert len(drawn) == 5 * 4
    assert all(first is not second for first, second in drawn)
