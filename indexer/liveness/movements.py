"""Movements of a head and of its eyes, and which ones a burst shows.

All are measured against the first frame, into the lens: how a webcam is mounted shifts every angle alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from indexer.attributes.heads.eyes.head import MAX_CLOSED, MIN_CLOSED


class Movement(StrEnum):
    """Left and right are the person's own, of frames that are not mirrored."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    COME_NEARER = "come_nearer"
    CLOSE_EYES = "close_eyes"
    """And open them again: a blink, but held until a frame is taken."""


OF_THE_HEAD = tuple(each for each in Movement if each is not Movement.CLOSE_EYES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """Of a head in one frame."""

    yaw: float
    """Degrees; positive: to the right of the picture, the person's left."""
    pitch: float
    """Degrees; positive: down."""
    size: float
    """Height of the face's box, as a share of the picture's height."""

    eyes_closed: float | None = None
    """Probability that both are; None where it was not measured, or the eyes cannot be seen."""

    @property
    def eyes_are_open(self) -> bool:
        return self.eyes_closed is not None and self.eyes_closed <= MAX_CLOSED

    @property
    def eyes_are_closed(self) -> bool:
        return self.eyes_closed is not None and self.eyes_closed >= MIN_CLOSED

    @property
    def is_frontal(self) -> bool:
        return abs(self.yaw) <= FRONTAL_YAW_DEGREES and abs(self.pitch) <= FRONTAL_PITCH_DEGREES


FRONTAL_YAW_DEGREES = 15.0
FRONTAL_PITCH_DEGREES = 20.0
"""More than the yaw: webcams are mounted above and below a screen."""
YAW_DEGREES = 15.0
"""The least turn. The pose network errs by 5 degrees."""
PITCH_DEGREES = 12.0
"""Less than the yaw: heads nod less far than they turn."""
NEARER = 1.3
"""The face of a person who comes nearer is at least so many times as high."""


def movement(posture: Posture, reference: Posture) -> Movement | None:
    """The clearest one of a frame. `reference`: of the first frame. Closed eyes count only where the head has
    not moved: those of a turned head are not well seen, and one that nods seems to close them."""
    yaw = (posture.yaw - reference.yaw) / YAW_DEGREES
    pitch = (posture.pitch - reference.pitch) / PITCH_DEGREES
    degrees = {
        Movement.TURN_LEFT: yaw,
        Movement.TURN_RIGHT: -yaw,
        Movement.LOOK_DOWN: pitch,
        Movement.LOOK_UP: -pitch,
        Movement.COME_NEARER: (posture.size / reference.size - 1) / (NEARER - 1),
    }
    clearest = max(degrees, key=lambda each: degrees[each])
    if degrees[clearest] >= 1:
        return clearest
    return Movement.CLOSE_EYES if posture.eyes_are_closed and reference.eyes_are_open else None


def movements_of(postures: Sequence[Posture | None]) -> list[Movement] | None:
    """In their order; several frames of one movement, with or without others between them, count once.
    Closed eyes count where they are open again in a later frame. `postures`: of each frame; None where it
    cannot be measured. None if the first frame is not frontal."""
    reference = postures[0] if postures else None
    if reference is None or not reference.is_frontal:
        return None
    return [found for found, _ in shown_in(postures)]


def shown_in(postures: Sequence[Posture | None]) -> list[tuple[Movement, list[int]]]:
    """As `movements_of`, whether the first frame is frontal or not: each movement with the places of the
    frames that show it. Empty where the first posture is None."""
    reference = postures[0] if postures else None
    if reference is None:
        return []
    until = last_open(postures)
    shown: list[tuple[Movement, list[int]]] = []
    for place, posture in enumerate(postures[1:], start=1):
        found = None if posture is None else movement(posture, reference)
        if found is None or (found is Movement.CLOSE_EYES and place > until):
            continue
        if not shown or shown[-1][0] is not found:
            shown.append((found, []))
        shown[-1][1].append(place)
    return shown


def last_open(postures: Sequence[Posture | None]) -> int:
    """Place of the last frame with open eyes; 0 also if there is none."""
    places = (
        place for place, posture in enumerate(postures) if posture is not None and posture.eyes_are_open
    )
    return max(places, default=0)


def answers(shown: Sequence[Movement], requested: Sequence[Movement]) -> bool:
    """Whether `shown` has the movements of `requested` in their order, and no others: `shown` as
    `movements_of` gives them. People blink, so closed eyes at other places do no harm."""
    return [shown[place] for place in deciding(shown, requested)] == list(requested)


def deciding(shown: Sequence[Movement], requested: Sequence[Movement]) -> list[int]:
    """Places of `shown` that decide whether it answers: each movement of `requested`, in their order, and
    each one that was not requested. Closed eyes at other places do not decide, nor does a movement that goes
    on after them."""
    places: list[int] = []
    found = 0
    held: Movement | None = None
    for place, each in enumerate(shown):
        is_next = found < len(requested) and each is requested[found]
        if is_next or each not in (Movement.CLOSE_EYES, held):
            places.append(place)
        found += is_next
        if each is not Movement.CLOSE_EYES:
            held = each
    return places
