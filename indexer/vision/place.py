"""The place of a face as the caller gives it, a box or landmarks: the detector may have missed the face."""

import math
from dataclasses import dataclass

import numpy as np

from indexer.errors import FacePlaceUnusable
from indexer.types import Box, Face, LandmarkSource, Points

MIN_BOX_PX = 8.0
"""Shorter side of a box. YuNet finds no smaller face, even enlarged, and no model recognises one."""
MIN_EYE_MOUTH_PX = 3.0
"""From the middle of the eyes to that of the mouth, of given landmarks: 8 pixels of a box, about."""
MIN_SHARE_INSIDE = 0.5
"""Of a box, within the picture. A face that is cut by the picture's edge still shows half of itself."""

_MEAN = np.array(
    [[-0.203, -0.143], [0.203, -0.143], [0.0, 0.083], [-0.173, 0.267], [0.173, 0.267]], np.float32
)
"""Landmarks from the middle of YuNet's box, in square roots of its area: medians of 150 photographs of LFW,
made symmetric."""
_ASPECT = 0.77
"""Width of YuNet's boxes by their height: median of the same photographs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FacePlace:
    """In pixels of the upright picture. One of the two is set."""

    box: Box | None = None
    landmarks: Points | None = None

    @property
    def is_finite(self) -> bool:
        """Whether it is no NaN, no infinity, and its box has an area."""
        if self.landmarks is not None:
            return bool(np.isfinite(self.landmarks).all())
        assert self.box is not None
        sides = (self.box.x, self.box.y, self.box.width, self.box.height)
        return all(map(math.isfinite, sides)) and self.box.shorter_side_px > 0

    def check(self, width_px: int, height_px: int) -> None:
        """Whether there can be a face, in a picture of `width_px` by `height_px`.

        Raises FacePlaceUnusable."""
        if not self.is_finite:
            field = "box" if self.landmarks is None else "landmarks"
            raise FacePlaceUnusable(f"the {field} has no finite size and place", field=field)
        if self.box is not None:
            _check_box(self.box, width_px, height_px)
        else:
            assert self.landmarks is not None
            _check_landmarks(self.landmarks, width_px, height_px)

    @property
    def face(self) -> Face:
        """The face by the place alone: in a box, that of an upright mean face. `detected` is set, so that the
        landmarks are not refined."""
        if self.landmarks is not None:
            box, points, source = box_around(self.landmarks), self.landmarks, LandmarkSource.REQUEST
        else:
            assert self.box is not None
            box, points, source = self.box, mean_landmarks(self.box), LandmarkSource.MEAN_FACE
        return Face(box=box, landmarks=points, confidence=0.0, detected=points, landmark_source=source)


def mean_landmarks(box: Box) -> Points:
    """Of an upright mean face in the middle of `box`, shape (5, 2)."""
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2])
    return np.asarray(middle + math.sqrt(box.area_px) * _MEAN, np.float32)


def box_around(landmarks: Points) -> Box:
    """As the detector's box of a face with these landmarks, upright or turned, would lie."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    side = _eye_mouth_px(landmarks) / float(_MEAN[3, 1] - _MEAN[0, 1])
    middle = eyes + (mouth - eyes) * float(-_MEAN[0, 1] / (_MEAN[3, 1] - _MEAN[0, 1]))
    width, height = side * math.sqrt(_ASPECT), side / math.sqrt(_ASPECT)
    return Box(x=float(middle[0] - width / 2), y=float(middle[1] - height / 2), width=width, height=height)


def _eye_mouth_px(landmarks: Points) -> float:
    return float(np.hypot(*(landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0))))


def _check_box(box: Box, width_px: int, height_px: int) -> None:
    if box.shorter_side_px < MIN_BOX_PX:
        raise FacePlaceUnusable(
            f"the box is {box.shorter_side_px:.3g} pixels wide on its shorter side; at least {MIN_BOX_PX:g}"
            " are required",
            field="box",
            measured=round(box.shorter_side_px, 2),
            limit=MIN_BOX_PX,
        )
    across = min(box.x + box.width, width_px) - max(box.x, 0.0)
    down = min(box.y + box.height, height_px) - max(box.y, 0.0)
    inside = max(across, 0.0) / box.width * (max(down, 0.0) / box.height)
    if inside < MIN_SHARE_INSIDE:
        raise FacePlaceUnusable(
            f"{100 * inside:.0f} % of the box lies within the upright picture of {width_px} x {height_px}"
            f" pixels; at least {100 * MIN_SHARE_INSIDE:.0f} % is required",
            field="box",
            measured=round(inside, 4),
            limit=MIN_SHARE_INSIDE,
        )


def _check_landmarks(landmarks: Points, width_px: int, height_px: int) -> None:
    x, y = landmarks.mean(axis=0)
    if not (0 <= x < width_px and 0 <= y < height_px):
        raise FacePlaceUnusable(
            f"the middle of the landmarks lies outside of the upright picture of {width_px} x {height_px}"
            " pixels",
            field="landmarks",
        )
    measured = _eye_mouth_px(landmarks)
    if measured < MIN_EYE_MOUTH_PX:
        raise FacePlaceUnusable(
            f"eyes and mouth are {measured:.3g} pixels apart; at least {MIN_EYE_MOUTH_PX:g} are required",
            field="landmarks",
            measured=round(measured, 2),
            limit=MIN_EYE_MOUTH_PX,
        )
