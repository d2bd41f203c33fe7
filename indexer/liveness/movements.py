"""Movements of a head, and which ones a burst shows.

All are measured against the first frame, into the lens: how a webcam is mounted shifts every angle alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Movement(StrEnum):
    """Left and right are the person's own, of frames that are not mirrored."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    COME_NEARER = "come_nearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """Of a head in one frame."""

    yaw: float
    """Degrees; positive: to the right of the picture, the person's left."""
    pitch: float
    """Degrees; positive: down."""
    size: float
    """Height of the face's box, as a share of the picture's height."""

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
    """The clearest one of a frame. `reference`: of the first frame."""
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
    return clearest if degrees[clearest] >= 1 else None


def movements_of(postures: Sequence[Posture | None]) -> list[Movement] | None:
    """In their order; several frames of one movement, with or without others between them, count once.
    `postures`: of each frame; None where it cannot be measured. None if the first frame is not frontal."""
    reference = postures[0] if postures else None
    if reference is None or not reference.is_frontal:
        return None
    shown: list[Movement] = []
    for posture in postures[1:]:
        found = None if posture is None else movement(posture, reference)
        if found is not None and shown[-1:] != [found]:
            shown.append(found)
    return shown
