"""Which frames of a clip stand for the whole."""

import itertools
import random

import pytest

from indexer.liveness.challenges import MAX_MOVEMENTS, draw_movements
from indexer.liveness.clip import choose
from indexer.liveness.movements import Movement, Posture, answers, movements_of

FRONT = Posture(yaw=0, pitch=0, size=0.4)
LEFT = Posture(yaw=30, pitch=0, size=0.4)
UP = Posture(yaw=0, pitch=-20, size=0.4)
NEAR = Posture(yaw=0, pitch=0, size=0.6)
OPEN = Posture(yaw=0, pitch=0, size=0.4, eyes_closed=0.02)
CLOSED = Posture(yaw=0, pitch=0, size=0.4, eyes_closed=0.98)
SHOWING = {
    Movement.TURN_LEFT: LEFT,
    Movement.TURN_RIGHT: Posture(yaw=-30, pitch=0, size=0.4),
    Movement.LOOK_UP: UP,
    Movement.LOOK_DOWN: Posture(yaw=0, pitch=20, size=0.4),
    Movement.COME_NEARER: NEAR,
    Movement.CLOSE_EYES: CLOSED,
}


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


def test_five_movements_stay_although_somebody_blinks_between_them() -> None:
    """Nine movements with the blinks, and room for seven beside the first, the last and the open eyes."""
    requested = [each for each in Movement if each is not Movement.CLOSE_EYES]
    postures = [OPEN, CLOSED, OPEN]
    for each in requested:
        postures += [SHOWING[each], SHOWING[each], OPEN, CLOSED, OPEN]
    chosen = [postures[place] for place in choose(postures, 10, requested)]

    shown = movements_of(chosen)
    assert shown is not None
    assert [each for each in shown if each is not Movement.CLOSE_EYES] == requested
    assert answers(shown, requested)


def test_of_many_blinks_the_requested_ones_stay_with_the_open_eyes_after_them() -> None:
    """The lids are narrowed in the last frames, by a smile: no blink would count without those before."""
    requested = [Movement.LOOK_UP, Movement.TURN_LEFT, Movement.CLOSE_EYES, Movement.LOOK_UP]
    requested.append(Movement.CLOSE_EYES)
    smiling = Posture(yaw=0, pitch=0, size=0.4, eyes_closed=0.3)
    postures = [OPEN]
    for each in (CLOSED, UP, CLOSED, UP, CLOSED, LEFT, CLOSED, UP, CLOSED):
        postures += [each, OPEN]
    postures += 8 * [smiling]
    chosen = [postures[place] for place in choose(postures, 10, requested)]

    assert len(chosen) == 10
    assert answers(movements_of(chosen) or [], requested)


@pytest.mark.parametrize("seed", range(20))
def test_the_chosen_frames_answer_a_challenge_if_and_only_if_all_frames_do(seed: int) -> None:
    """Of what people do: what is requested, with blinks, repetitions and mistakes."""
    dice = random.Random(seed)
    answered = 0
    for _ in range(200):
        requested = draw_movements(dice.randint(2, MAX_MOVEMENTS), list(Movement))
        done = list(requested)
        if dice.random() < 0.5:
            done[dice.randrange(len(done))] = dice.choice(list(Movement))
        if dice.random() < 0.2:
            done.append(dice.choice(list(Movement)))
        postures: list[Posture | None] = [OPEN]
        for each in done:
            for _ in range(dice.randint(1, 2)):
                postures += dice.randint(1, 2) * [SHOWING[each]]
                postures += dice.choice([[], [None], [OPEN], [OPEN, CLOSED, OPEN], [CLOSED, OPEN]])
        postures = [*postures[:29], dice.choice([OPEN, FRONT, None])]
        chosen = [postures[place] for place in choose(postures, 10, requested)]

        of_all = answers(movements_of(postures) or [], requested)
        answered += of_all
        assert len(chosen) <= 10
        assert answers(movements_of(chosen) or [], requested) == of_all, (requested, postures)
    assert 20 < answered < 180, "both kinds are among them"
