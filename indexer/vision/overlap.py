"""Which of two searches' faces are one face."""

from collections.abc import Sequence

from indexer.types import Box, Face

SAME_FACE = 0.3
"""Intersection over union, as YuNet itself has it within one search."""
INSIDE = 0.7
"""Share of a box within another's: where a face fills the picture, a search that is too fine for it finds
parts of it, such as nose and mouth."""


def merge(faces: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """Both, each face once, the most certain first (non-maximum suppression).

    A face is dropped where a more certain one of the *other* search covers the same place, or has it inside:
    what one search found side by side stays.
    """
    merged: list[tuple[int, Face]] = []
    both = [(0, face) for face in faces] + [(1, face) for face in others]
    for search, face in sorted(both, key=lambda found: -found[1].confidence):
        if not any(search != kept_by and _covered(face.box, kept.box) for kept_by, kept in merged):
            merged.append((search, face))
    return [face for _, face in merged]


def _covered(box: Box, other: Box) -> bool:
    common = _overlap(box.x, box.width, other.x, other.width) * _overlap(
        box.y, box.height, other.y, other.height
    )
    union = box.area_px + other.area_px - common
    return common >= SAME_FACE * union or common >= INSIDE * box.area_px


def _overlap(start: float, length: float, other_start: float, other_length: float) -> float:
    return max(0.0, min(start + length, other_start + other_length) - max(start, other_start))
