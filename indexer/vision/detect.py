"""Where the faces are. Not for judging them: that is `quality`.

A picture is searched at several sizes, because YuNet misses faces that fill the picture it is given, and
turned by quarters where it does not seem to stand upright.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from indexer.types import Face, Image
from indexer.vision import overlap, rotation
from indexer.vision.yunet import YuNet

STEP = 4
"""Each search is of a picture so many times smaller than the one before, and costs a sixteenth of it. Faces
20 to 500 pixels high are found, so that two searches overlap widely."""
COARSEST_PX = 160
"""Longer side of the smallest picture that is searched."""
CLOSE_UP_PX = 256
"""In a picture whose longer side is no longer, a face that fills it is found without a smaller one."""
COARSE_FACE_PX = 48
"""Smaller faces in a smaller picture are left to the search before, which knows them better."""

CERTAIN = 0.9
"""A picture with a face of this confidence stands upright. Of 400 pictures of LFW 95 % have one; turned on
their head, more than half of them show a face too, with its eyes where the mouth is, and none has this."""
MIN_TURNED_CONFIDENCE = 0.85
"""Of the face for which a picture is taken to be turned. In 265 pictures without a face, the three turned
searches find some of up to 0.84."""
MIN_TURNED_GAIN = 0.03
"""By which that face is more certain than what was found without a turn."""
PATCH_PX = 160
"""Longer side of what is turned to try an uncertain face."""


class Detector:
    """Safe to call from several threads."""

    def __init__(self, weights: Path, *, min_confidence: float, size_px: int) -> None:
        """`size_px`: pictures whose longer side is longer are scaled down to it for the search."""
        # Two, because each change of its input's size makes a network allocate all its buffers again.
        self._fine = YuNet(weights, min_confidence=min_confidence)
        self._coarse = YuNet(weights, min_confidence=min_confidence)
        self._min_confidence = min_confidence
        self._size_px = size_px

    @property
    def settings(self) -> str:
        """What, besides the weights, decides which faces it finds."""
        return f"sizes and turns, {self._min_confidence:g} {self._size_px}"

    def detect(self, image: Image) -> list[Face]:
        """All faces, the largest first, in the pixels of `image` (height, width, 3, RGB), whichever way they
        are turned (`Face.rotation_degrees`)."""
        scale = min(1.0, self._size_px / max(image.shape[:2]))
        picture = _scaled(image, scale)
        faces = self._upright(picture) or self._bordered(picture)
        if _confidence(faces) < CERTAIN:
            faces = self._turned(picture, faces) or faces
        faces = [face.scaled(1.0 / scale) for face in faces]
        return sorted(faces, key=lambda face: face.box.area_px, reverse=True)

    def _upright(self, picture: Image) -> list[Face]:
        """At all sizes; a face found at two of them is one face."""
        faces = self._fine.detect(picture)
        longer_side = side = max(picture.shape[:2])
        while side > CLOSE_UP_PX:
            side = max(side // STEP, COARSEST_PX)
            scale = side / longer_side
            large = [
                face.scaled(1.0 / scale)
                for face in self._coarse.detect(_scaled(picture, scale))
                if max(face.box.width, face.box.height) >= COARSE_FACE_PX
            ]
            faces = overlap.merge(faces, large)
        return faces

    def _bordered(self, picture: Image) -> list[Face]:
        """Small and with a border around it: the face may be larger than the picture."""
        scale = min(1.0, self._size_px / STEP / max(picture.shape[:2]))
        return [face.scaled(1.0 / scale) for face in self._coarse.detect(_scaled(picture, scale), border=0.5)]

    def _turned(self, picture: Image, faces: Sequence[Face]) -> list[Face]:
        """The faces at the quarter turn that shows most of them; empty where none shows better than `faces`,
        which were found without one. Where there are some, their best is tried first: that is cheap."""
        least = max(MIN_TURNED_CONFIDENCE, _confidence(faces) + MIN_TURNED_GAIN)
        quarters: tuple[int, ...] = rotation.QUARTERS
        if faces:
            patch = _around(max(faces, key=lambda face: face.confidence), picture)
            quarters = tuple(
                quarter
                for quarter in quarters
                if _confidence(self._coarse.detect(rotation.rotate(patch, quarter))) >= least
            )
        shown = [
            [rotation.rotate_back(face, quarter, picture) for face in found]
            for quarter in quarters
            if _confidence(found := self._upright(rotation.rotate(picture, quarter))) >= least
        ]
        return max(shown, key=lambda found: sum(face.confidence for face in found), default=[])


def central(faces: Sequence[Face], image: Image) -> Face | None:
    """The one whose box has its centre nearest to the picture's, which is whom a photograph of a labelled
    collection is named after; None where there is no face."""
    height, width = image.shape[:2]

    def distance_px(face: Face) -> float:
        box = face.box
        return math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2)

    return min(faces, key=distance_px, default=None)


def _confidence(faces: Sequence[Face]) -> float:
    """Of the most certain one; 0 where there is none."""
    return max((face.confidence for face in faces), default=0.0)


def _scaled(image: Image, scale: float) -> Image:
    if scale >= 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _around(face: Face, picture: Image) -> Image:
    """The face with as much around it as it is large, scaled down to `PATCH_PX`."""
    box = face.box
    middle_x, middle_y = box.x + box.width / 2, box.y + box.height / 2
    reach = max(box.width, box.height)
    left, top = max(0, round(middle_x - reach)), max(0, round(middle_y - reach))
    patch = picture[
        top : max(top + 1, round(middle_y + reach)), left : max(left + 1, round(middle_x + reach))
    ]
    return _scaled(patch, PATCH_PX / max(patch.shape[:2]))
