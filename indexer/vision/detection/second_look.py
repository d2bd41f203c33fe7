"""Detects a doubtful face once more, in small patches in which it is upright and of a good size.

YuNet's confidence in a face that is turned, tiny, covered or dark is low, and it has the same confidence in
things that are no face. In the patch, it is high for most faces and low for most others.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.types import Box, Face, Image
from indexer.vision.align import warp
from indexer.vision.detection import overlap
from indexer.vision.detection.yunet import YuNet

CERTAIN = 0.9
"""A picture with a face of this confidence is upright, and needs no second look. Of LFW's pictures 97.7 %
have such a face. Upside down, more than half of them still give a face, its eyes at the mouth, but none with
this confidence."""
DOUBTFUL = 0.2
"""Faces of less confidence are not looked at again, and not found in a patch."""
CLEAR = 0.92
"""With this confidence in the first patch, the face is upright in it. Turned by 45 degrees it has up to
0.91."""
SIDE_PX = 128
"""Of a patch."""
FACE_PX = (56, 76)
"""Side of the face, as `_side_px` has it, in the first and in the last patch."""
TURNS = (45.0, -45.0)
"""Degrees by which the face is turned in further patches: the landmarks of a face that is turned are drawn
towards those of an upright one."""
FAR_TURNS = (90.0, -90.0, 180.0, 135.0, -135.0)
"""Likewise, of a face of whose angle nothing is known."""
SAME_ROLL = math.radians(10)
MARGIN = 0.08
"""By which the confidence of a doubtful face must exceed the network's least confidence after the second
look. Then about as many pictures without a face have one as without second looks."""
MAX_LOOKS = 16
"""In one picture, at the most confident faces. Of the others, the sure ones are kept."""
MAX_OFFSET = 0.35
"""From the middle of the patch to that of the face, in sides of the face."""
SIDES = (0.5, 1.8)
"""Least and largest side, in sides of the face that is expected."""


def confirmed(
    network: YuNet, picture: Image, sure: Iterable[Face], doubtful: Iterable[Face] = ()
) -> list[Face]:
    """The faces whose confidence suffices after the second look; each once, the most confident first.

    `sure`: those that would be faces without a second look. `doubtful`: others, which may show the same face
    several times, with landmarks that disagree."""
    least = network.min_confidence
    found = [(face, least) for face in sure] + [(face, least + MARGIN) for face in doubtful]
    found.sort(key=lambda each: -each[0].confidence)
    kept: list[Face] = []
    for face, required in found[:MAX_LOOKS]:
        if not overlap.is_covered(face, kept):
            again = confirm(network, picture, face)
            if again and again.confidence >= required and not overlap.is_covered(again, kept):
                kept.append(again)
    kept += [
        face
        for face, required in found[MAX_LOOKS:]
        if required == least and not overlap.is_covered(face, kept)
    ]
    return sorted(kept, key=lambda face: -face.confidence)


def confirm(network: YuNet, picture: Image, face: Face) -> Face | None:
    """The face of the last patch. Its landmarks are the mean of those in the picture and in two patches,
    without the first ones if the face turned out to have another angle. Its confidence is the mean of that in
    the picture and, with twice the weight, of those in the patches.

    None if it is not found in both patches."""
    first = max(_first(network, picture, face), key=lambda found: found.confidence, default=None)
    last = first and _look(network, picture, first, FACE_PX[1], 0.0)
    if first is None or last is None:
        return None
    turned_by = (_roll(face) - _roll(last) + math.pi) % math.tau - math.pi
    agreeing = [face, first, last] if abs(turned_by) < SAME_ROLL else [first, last]
    return replace(
        last,
        landmarks=np.mean([each.landmarks for each in agreeing], axis=0, dtype=np.float32),
        confidence=(face.confidence + 2 * first.confidence + 2 * last.confidence) / 5,
    )


def find_at(network: YuNet, picture: Image, expected: Face) -> Face | None:
    """The face in the box of `expected`, which somebody else found and which may be turned by any angle.

    Its confidence is the better one of two patches, its landmarks are their mean. None if neither has one."""
    first: Face | None = None
    for degrees in (0.0, *TURNS, *FAR_TURNS):
        found = _look(network, picture, expected, FACE_PX[0], degrees)
        if found and (first is None or found.confidence > first.confidence):
            first = found
        if first and first.confidence >= CLEAR:
            break
    if first is None:
        return None
    last = _look(network, picture, first, FACE_PX[1], 0.0)
    if last is None:
        return first
    return replace(
        last,
        landmarks=np.mean([first.landmarks, last.landmarks], axis=0, dtype=np.float32),
        confidence=max(first.confidence, last.confidence),
    )


def _first(network: YuNet, picture: Image, face: Face) -> Iterator[Face]:
    for degrees in (0.0, *TURNS):
        found = _look(network, picture, face, FACE_PX[0], degrees)
        if found is not None:
            yield found
            if found.confidence >= CLEAR:
                return


def _look(network: YuNet, picture: Image, face: Face, face_px: float, degrees: float) -> Face | None:
    """The face in the middle of a patch in which it has the side `face_px`, in the pixels of `picture`.

    `degrees`: by which it is turned there, besides to be upright."""
    angle = math.radians(degrees) - _roll(face)
    scale = face_px / max(_side_px(face.box), 1.0)
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])
    transform = np.column_stack([turn, SIDE_PX / 2 - turn @ middle])
    patch = warp(picture, transform, SIDE_PX, 1)
    fitting = [found for found in network.detect(patch, min_confidence=DOUBTFUL) if _fits(found.box, face_px)]
    found = max(fitting, key=lambda found: found.confidence, default=None)
    return found and _back(found, transform)


def _fits(box: Box, face_px: float) -> bool:
    offset = math.hypot(box.x + (box.width - SIDE_PX) / 2, box.y + (box.height - SIDE_PX) / 2)
    least, most = SIDES
    return offset < MAX_OFFSET * face_px and least * face_px < _side_px(box) < most * face_px


def _back(face: Face, transform: NDArray[np.float64]) -> Face:
    """The face of a patch in the pixels of the picture from which `transform` leads to the patch.

    Its box is that of the ellipse in the patch's box, turned back."""
    turn, shift = transform[:, :2], transform[:, 2]
    inverse = np.linalg.inv(turn)
    box = face.box
    x, y = inverse @ (np.array([box.x + box.width / 2, box.y + box.height / 2]) - shift)
    width, height = np.hypot(*(inverse * (box.width, box.height)).T)
    return Face(
        box=Box(x=float(x - width / 2), y=float(y - height / 2), width=float(width), height=float(height)),
        landmarks=((face.landmarks - shift) @ inverse.T).astype(np.float32),
        confidence=face.confidence,
    )


def _roll(face: Face) -> float:
    """In radians: 0 if the eyes are level and the mouth is below them, positive if the face is turned
    clockwise."""
    eyes, mouth = face.landmarks[:2], face.landmarks[3:]
    across = eyes[1] - eyes[0] + mouth[1] - mouth[0]
    down = mouth.mean(axis=0) - eyes.mean(axis=0)
    # A profile has its eyes in one place, a face from below its eyes near the mouth.
    return math.atan2(across[1] - down[0], across[0] + down[1])


def _side_px(box: Box) -> float:
    return math.sqrt(max(box.area_px, 0.0))
