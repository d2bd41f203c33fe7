"""What to do for a better picture of a face, in words that a person before the camera acts on."""

from collections.abc import Iterator
from enum import StrEnum

from indexer.types import Quality


class Advice(StrEnum):
    COME_NEARER = "come_nearer"
    HOLD_STILL = "hold_still"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    TURN_TO_CAMERA = "turn_to_camera"
    HOLD_UPRIGHT = "hold_upright"
    SHOW_WHOLE_FACE = "show_whole_face"
    TAKE_OFF_MASK = "take_off_mask"
    TAKE_OFF_SUNGLASSES = "take_off_sunglasses"
    OPEN_EYES = "open_eyes"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Advice.COME_NEARER: "come nearer to the camera",
    Advice.HOLD_STILL: "hold the camera still, and focus on the face",
    Advice.MORE_LIGHT: "more light on the face",
    Advice.LESS_LIGHT: "less light on the face",
    Advice.TURN_TO_CAMERA: "turn to the camera",
    Advice.HOLD_UPRIGHT: "hold the head upright",
    Advice.SHOW_WHOLE_FACE: "show the whole face",
    Advice.TAKE_OFF_MASK: "take off the mask",
    Advice.TAKE_OFF_SUNGLASSES: "take off the sunglasses",
    Advice.OPEN_EYES: "open your eyes",
}
MIN_COMPONENT = 50.0
"""Of size, sharpness, exposure and pose, 0 to 100."""
MAX_TURNED_DEGREES = 25.0
MAX_TILTED_DEGREES = 25.0
MIN_SHARE_INSIDE = 0.9
"""Of the face, from brows to mouth, in the picture."""
_MIDDLE_GREY = 127.5


def advice(
    quality: Quality,
    *,
    turned_degrees: float | None = None,
    tilted_degrees: float = 0.0,
    share_inside: float = 1.0,
    advised: tuple[Advice, ...] = (),
) -> tuple[Advice, ...]:
    """The most important first; empty for a good picture. `turned_degrees`: of the head, to a side or up or
    down, whichever is more; None: judged by the component `pose`. `tilted_degrees`: in the picture's plane.
    `share_inside`: how much of the face is in the picture. `advised`: by what hides the face or its eyes."""
    return (*advised, *_advice(quality, turned_degrees, tilted_degrees, share_inside))


def _advice(quality: Quality, turned: float | None, tilted: float, inside: float) -> Iterator[Advice]:
    if inside < MIN_SHARE_INSIDE:
        yield Advice.SHOW_WHOLE_FACE
    if quality.size < MIN_COMPONENT:
        yield Advice.COME_NEARER
    if quality.exposure < MIN_COMPONENT:
        bright = quality.brightness is not None and quality.brightness > _MIDDLE_GREY
        yield Advice.LESS_LIGHT if bright else Advice.MORE_LIGHT
    if quality.sharpness < MIN_COMPONENT:
        yield Advice.HOLD_STILL
    if quality.pose < MIN_COMPONENT if turned is None else abs(turned) > MAX_TURNED_DEGREES:
        yield Advice.TURN_TO_CAMERA
    if abs(tilted) > MAX_TILTED_DEGREES:
        yield Advice.HOLD_UPRIGHT
