"""Which movements postures show, and how movements are drawn."""

from collections import Counter

import pytest

from indexer.liveness.challenges import draw_movements
from indexer.liveness.movements import OF_THE_HEAD, Movement, Posture, answers, movements_of

LEFT, RIGHT, UP, DOWN, NEARER, CLOSE_EYES = Movement


def posture(yaw: float = 0, pitch: float = 0, size: float = 0.4, closed: float | None = None) -> Posture:
    return Posture(yaw=yaw, pitch=pitch, size=size, eyes_closed=closed)


OPEN, SHUT, UNDECIDED = posture(closed=0.01), posture(closed=0.97), posture(closed=0.3)


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


def test_eyes_that_close_and_open_again_are_a_movement() -> None:
    assert movements_of([OPEN, SHUT, SHUT, OPEN]) == [CLOSE_EYES]
    assert movements_of([OPEN, posture(yaw=22), SHUT, posture(pitch=-18), OPEN]) == [LEFT, CLOSE_EYES, UP]


@pytest.mark.parametrize(
    "frames",
    [
        [OPEN, OPEN, OPEN],
        [OPEN, UNDECIDED, OPEN],
        [OPEN, posture(closed=None), OPEN],
        [OPEN, SHUT, SHUT],
        [SHUT, SHUT, OPEN],
        [UNDECIDED, SHUT, OPEN],
        [posture(), SHUT, OPEN],
    ],
    ids=[
        "open all the time",
        "narrowed",
        "not seen",
        "not opened again",
        "closed at first",
        "narrow at first",
        "not seen at first",
    ],
)
def test_other_eyes_are_no_movement(frames: list[Posture]) -> None:
    assert movements_of(frames) == []


def test_a_head_that_turns_or_nods_with_closed_eyes_only_turns_or_nods() -> None:
    assert movements_of([OPEN, posture(yaw=22, closed=0.9), posture(pitch=18, closed=0.9), OPEN]) == [
        LEFT,
        DOWN,
    ]


@pytest.mark.parametrize(
    ("shown", "requested", "expected"),
    [
        ([LEFT, CLOSE_EYES, UP], [LEFT, CLOSE_EYES, UP], True),
        ([CLOSE_EYES, LEFT, CLOSE_EYES, LEFT, CLOSE_EYES, UP], [LEFT, CLOSE_EYES, UP], True),
        ([LEFT, UP, CLOSE_EYES], [LEFT, CLOSE_EYES, UP], False),
        ([LEFT, UP], [LEFT, CLOSE_EYES, UP], False),
        ([LEFT, CLOSE_EYES, DOWN, UP], [LEFT, CLOSE_EYES, UP], False),
        ([LEFT, CLOSE_EYES, UP, LEFT], [LEFT, CLOSE_EYES, UP], False),
        ([LEFT, UP, LEFT], [LEFT, UP], False),
        ([], [LEFT, UP], False),
    ],
)
def test_a_blink_more_does_no_harm_and_any_other_movement_does(
    shown: list[Movement], requested: list[Movement], expected: bool
) -> None:
    assert answers(shown, requested) is expected


@pytest.mark.parametrize("among", [OF_THE_HEAD, tuple(Movement)], ids=["5", "6"])
def test_no_two_movements_alike_follow_each_other_and_every_order_is_drawn(
    among: tuple[Movement, ...],
) -> None:
    drawn = Counter(tuple(draw_movements(2, among)) for _ in range(2000))

    assert len(drawn) == len(among) * (len(among) - 1)
    assert all(first is not second for first, second in drawn)
