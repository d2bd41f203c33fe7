"""YuNet (Wu et al. 2023): detects faces in a picture at one size. `detect` chooses the sizes."""

import threading
from pathlib import Path

import cv2
import numpy as np

from indexer.types import Box, Face, Image

# Callers have threads of their own; OpenCV's would compete with them and with torch's.
cv2.setNumThreads(1)

MIN_SIDE_PX = 64
"""Smaller pictures are padded to this side. If a side is 32 or less, YuNet's coarsest map is one cell wide;
OpenCV then misreads the outputs and reports faces that are noise."""


class YuNet:
    """`cv2.FaceDetectorYN`. Safe to call from several threads."""

    def __init__(self, weights: Path, *, min_confidence: float) -> None:
        self._weights = weights
        self._min_confidence = min_confidence
        self._idle: list[cv2.FaceDetectorYN] = []
        """A network detects in one picture at a time and keeps some 45 MB of buffers. So there are as many
        as simultaneous detections, which are fewer than threads."""
        self._lock = threading.Lock()

    def detect(self, image: Image, *, border: float = 0.0) -> list[Face]:
        """The faces in `image`, shape (height, width, 3), RGB, in its pixels.

        `border`: width of a grey border on each side, as a share of the picture's side.
        """
        height, width = image.shape[:2]
        left, top = round(border * width), round(border * height)
        right = max(left, MIN_SIDE_PX - width - left)
        bottom = max(top, MIN_SIDE_PX - height - top)
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if left or top or right or bottom:
            pixels = cv2.copyMakeBorder(
                pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(127, 127, 127)
            )
        network = self._take()
        try:
            network.setInputSize((pixels.shape[1], pixels.shape[0]))
            _, rows = network.detect(pixels)
        finally:
            with self._lock:
                self._idle.append(network)
        if rows is None:
            return []
        return [_face(np.asarray(row), left, top) for row in rows]

    def _take(self) -> cv2.FaceDetectorYN:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return cv2.FaceDetectorYN.create(
            str(self._weights), "", (320, 320), score_threshold=self._min_confidence
        )


def _face(row: np.ndarray, left: int, top: int) -> Face:
    """A row of YuNet's answer: x, y, width, height, five points, confidence."""
    x, y, width, height = (float(value) for value in row[:4])
    return Face(
        box=Box(x=x - left, y=y - top, width=width, height=height),
        landmarks=(row[4:14].reshape(5, 2) - np.array([left, top])).astype(np.float32),
        confidence=float(row[14]),
    )
