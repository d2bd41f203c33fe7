"""Where the faces are. Not for judging them: that is `quality`."""

import math
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from indexer.types import Box, Face, Image

# Callers bring threads of their own; OpenCV's would only compete with them and with the network's.
cv2.setNumThreads(1)

MIN_SIDE_PX = 64
"""Smaller pictures are padded up to it: where a side is 32 or less, so that YuNet's coarsest map is one
cell wide, OpenCV reads its outputs wrongly and reports faces of noise."""


class Detector:
    """YuNet (Wu et al. 2023) through `cv2.FaceDetectorYN`. Safe to call from several threads."""

    def __init__(self, weights: Path, *, min_confidence: float, size_px: int) -> None:
        """`size_px`: pictures whose longer side is longer are scaled down to it for the search."""
        self._weights = weights
        self._min_confidence = min_confidence
        self._size_px = size_px
        self._per_thread = threading.local()  # a FaceDetectorYN keeps the input size as state

    @property
    def settings(self) -> str:
        """What, besides the weights, decides which faces it finds."""
        return f"{self._min_confidence:g} {self._size_px}"

    def detect(self, image: Image) -> list[Face]:
        """All faces, the largest first, in the pixels of `image` (height, width, 3, RGB).

        Where nothing is found, the search goes on at a quarter of the size with a border around
        it: YuNet misses faces that fill the picture.
        """
        longer_side = max(image.shape[:2])
        scale = min(1.0, self._size_px / longer_side)
        faces = self._detect_at(image, scale, border=0.0)
        if not faces:
            faces = self._detect_at(image, min(1.0, self._size_px / 4 / longer_side), border=0.5)
        return sorted(faces, key=lambda face: face.box.area_px, reverse=True)

    def _detect_at(self, image: Image, scale: float, *, border: float) -> list[Face]:
        if scale < 1.0:
            size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = image.shape[:2]
        left, top = round(border * width), round(border * height)
        right = max(left, MIN_SIDE_PX - width - left)
        bottom = max(top, MIN_SIDE_PX - height - top)
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if left or top or right or bottom:
            pixels = cv2.copyMakeBorder(
                pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(127, 127, 127)
            )
        yunet = self._yunet()
        yunet.setInputSize((pixels.shape[1], pixels.shape[0]))
        _, rows = yunet.detect(pixels)
        if rows is None:
            return []
        return [_face(np.asarray(row), scale=scale, left=left, top=top) for row in rows]

    def _yunet(self) -> cv2.FaceDetectorYN:
        if not hasattr(self._per_thread, "yunet"):
            self._per_thread.yunet = cv2.FaceDetectorYN.create(
                str(self._weights), "", (320, 320), score_threshold=self._min_confidence
            )
        yunet: cv2.FaceDetectorYN = self._per_thread.yunet
        return yunet


def central(faces: Sequence[Face], image: Image) -> Face | None:
    """The one whose box has its centre nearest to the picture's, which is whom a photograph of a labelled
    collection is named after; None where there is no face."""
    height, width = image.shape[:2]

    def distance_px(face: Face) -> float:
        box = face.box
        return math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2)

    return min(faces, key=distance_px, default=None)


def _face(row: np.ndarray, *, scale: float, left: int, top: int) -> Face:
    """A row of YuNet's answer: x, y, width, height, five points, confidence."""
    offset = np.array([left, top], np.float32)
    x, y = (row[:2] - offset) / scale
    width, height = row[2:4] / scale
    landmarks = ((row[4:14].reshape(5, 2) - offset) / scale).astype(np.float32)
    return Face(
        box=Box(x=float(x), y=float(y), width=float(width), height=float(height)),
        landmarks=landmarks,
        confidence=float(row[14]),
    )
