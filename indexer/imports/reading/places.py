"""Where the face of a picture is, as a line of a manifest or an entry says: a box, or five landmarks."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from indexer.errors import InvalidRequest
from indexer.types import Box
from indexer.vision.place import FacePlace

_SIDES = ("x", "y", "width", "height")
_POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
_FARTHEST_PX = 1e6


def parse(values: Mapping[str, object]) -> Sequence[float] | None:
    """The numbers of `box`, four, or of `landmarks`, ten, as they are stored. In CSV a box is a text.

    Raises InvalidRequest."""
    box, landmarks = values.get("box") or None, values.get("landmarks") or None
    if box is not None and landmarks is not None:
        raise InvalidRequest("give a box or landmarks, not both", field="box")
    if box is not None:
        return _box(box)
    return None if landmarks is None else _landmarks(landmarks)


def place_of(numbers: Sequence[float]) -> FacePlace:
    """Of what `parse` returned."""
    if len(numbers) == len(_SIDES):
        return FacePlace(box=Box(**dict(zip(_SIDES, numbers, strict=True))))
    return FacePlace(landmarks=np.array(numbers, np.float32).reshape(len(_POINTS), 2))


def _box(value: object) -> list[float]:
    sides: object = value.split(",") if isinstance(value, str) else value
    if isinstance(sides, Mapping) and set(sides) == set(_SIDES):
        sides = [sides[name] for name in _SIDES]
    if not isinstance(sides, list) or len(sides) != len(_SIDES):
        raise InvalidRequest("box must be x, y, width and height", field="box")
    numbers = _numbers(sides, "box")
    if min(numbers[2:]) <= 0:
        raise InvalidRequest("the width and height of a box must be above 0", field="box")
    return numbers


def _landmarks(value: object) -> list[float]:
    if not isinstance(value, Mapping) or set(value) != set(_POINTS):
        raise InvalidRequest(f"landmarks must be an object with {', '.join(_POINTS)}", field="landmarks")
    points = [value[name] for name in _POINTS]
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise InvalidRequest("each landmark must be [x, y]", field="landmarks")
    return _numbers([number for point in points for number in point], "landmarks")


def _numbers(values: Sequence[object], field: str) -> list[float]:
    try:
        numbers = [float(value) for value in values]  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InvalidRequest(f"{field} must be numbers", field=field) from None
    if not all(math.isfinite(number) and abs(number) <= _FARTHEST_PX for number in numbers):
        raise InvalidRequest(f"{field} must be numbers up to {_FARTHEST_PX:g}", field=field)
    return numbers
