"""Merges the faces of two detections of one picture."""

from collections.abc import Iterable, Sequence

from indexer.types import Box, Face

SAME_FACE = 0.3
"""Intersection over union, the threshold of YuNet's own non-maximum suppression."""
INSIDE = 0.7
"""Share of a box that lies within another. At a size that is too fine for a large face, YuNet finds parts of
it, such as nose and mouth."""


def merge(faces: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """The faces of both, each once, the most confident first (non-maximum suppression).

    A face is dropped if a more confident one of the *other* detection covers it. Faces of one detection are
    not compared with each other.
    """
    merged: list[tuple[int, Face]] = []
    both = [(0, face) for face in faces] + [(1, face) for face in others]
    for detection, face in sorted(both, key=lambda found: -found[1].confidence):
        if not any(detection != kept_by and _covered(face.box, kept.box) for kept_by, kept in merged):
            merged.append((detection, face))
    return [face for _, face in merged]


def is_covered(face: Face, others: Iterable[Face]) -> bool:
    """Whether one of `others` is the same face, or covers it."""
    return any(_covered(face.box, other.box) for other in others)


def _covered(box: Box, other: Box) -> bool:
    common = _overlap(box.x, box.width, other.x, other.width) * _overlap(
        box.y, box.height, other.y, other.height
    )
    union = box.area_px + other.area_px - common
    return common >= SAME_FACE * union or common >= INSIDE * box.area_px


def _overlap(start: float, length: float, other_start: float, other_length: float) -> float:
    return max(0.0, min(start + length, other_start + other_length) - max(start, other_start))
