"""Which frames of a clip stand for the whole."""

import itertools

from indexer.liveness.clip import choose
from indexer.liveness.movements import Movement, Posture, movements_of

FRONT = Posture(yaw=0, pitch=0, size=0.4)
LEFT = Posture(yaw=30, pitch=0, size=0.4)
UP = Posture(yaw=0, pitch=-20, size=0.4)
NEAR = Posture(yaw=0, pitch=0, size=0.6)


def test_every_movement_stays_however_short_it_is() -> None:
    postures = [*10 * [FRONT], LEFT, *5 * [FRONT], *3 * [UP], *9 * [FRONT], NEAR, FRONT]
    chosen = choose(postures, 10)

    assert len(chosen) == 10
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert chosen[-1] == 29
    assert {10, 17, 28} <= set(chosen)
    order = [Movement.TURN_LEFT, Movement.LOOK_UP, Movement.COME_NEARER]
    assert movements_of([postures[place] for place in chosen]) == order


def test_without_movements_the_frames_are_spread() -> None:
    for postures in (30 * [FRONT], 30 * [None]):
        chosen = choose(postures, 10)
        gaps = [after - before for before, after in itertools.pairwise(chosen)]
        assert len(chosen) == 10
        assert chosen[0] == 0
        assert chosen[-1] == 29
        assert max(gaps) <= 4


def test_a_short_clip_stays_as_it_is() -> None:
    assert choose(4 * [FRONT], 10) == [0, 1, 2, 3]


def test_more_movements_than_there_is_room_for_still_differ_from_every_challenge() -> None:
    postures = [FRONT, *([LEFT, UP] * 12)]
    shown = movements_of([postures[place] for place in choose(postures, 10)])

    assert shown is not None
    assert len(shown) > 5
