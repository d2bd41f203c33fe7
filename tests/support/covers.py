"""Masks and sunglasses that are drawn on real faces."""

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Face, Image
from indexer.vision.align import ARCFACE_112, similarity

_UPPER = [[20, 66], [40, 64], [56, 58], [72, 64], [92, 66]]
_LOWER = [[94, 92], [80, 114], [56, 122], [32, 114], [18, 92]]
_BLUE, _FOLD, _BLACK = (150, 190, 215), (120, 160, 190), (12, 12, 14)


def with_mask(picture: Image, face: Face) -> Image:
    """A surgical mask with folds, from the bridge of the nose to below the chin."""
    drawn = np.ascontiguousarray(picture.copy())
    cv2.fillPoly(drawn, [_places(face, _UPPER + _LOWER)], _BLUE, cv2.LINE_AA)
    for y in (76, 88, 100):
        left, right = _places(face, [[24, y], [88, y]])
        cv2.line(drawn, left.tolist(), right.tolist(), _FOLD, 2, cv2.LINE_AA)
    for loop in ([[20, 68], [4, 58]], [[92, 68], [108, 58]]):
        start, end = _places(face, loop)
        cv2.line(drawn, start.tolist(), end.tolist(), _BLUE, 2, cv2.LINE_AA)
    return drawn


def with_sunglasses(picture: Image, face: Face) -> Image:
    """Black, with a bridge and temples."""
    drawn = np.ascontiguousarray(picture.copy())
    scale = 1 / np.sqrt(abs(np.linalg.det(similarity(face.landmarks, ARCFACE_112.points)[:, :2])))
    axes = (round(15 * scale), round(12 * scale))
    for eye in _places(face, ARCFACE_112.points[:2] + np.array([0, 2])):
        cv2.ellipse(drawn, eye.tolist(), axes, 0, 0, 360, _BLACK, -1, cv2.LINE_AA)
    for line in ([[50, 50], [62, 50]], [[24, 50], [8, 48]], [[88, 50], [104, 48]]):
        start, end = _places(face, line)
        cv2.line(drawn, start.tolist(), end.tolist(), _BLACK, max(2, round(3 * scale)), cv2.LINE_AA)
    return drawn


def _places(face: Face, points: object) -> NDArray[np.int32]:
    """Points of `ARCFACE_112` in the picture, shape (n, 2)."""
    inverse = cv2.invertAffineTransform(similarity(face.landmarks, ARCFACE_112.points))
    return np.asarray(np.rint(np.asarray(points) @ inverse[:, :2].T + inverse[:, 2]), np.int32)
