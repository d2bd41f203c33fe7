"""Detects faces. `quality` judges them.

YuNet runs on a picture at several sizes, because it misses faces that fill its input, and on the picture
rotated by quarter turns if the picture does not seem to be upright. Where no face is certain, doubtful faces
are looked at once more (`second_look`), also in the clarified and in the enlarged picture.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import chain

import cv2
import numpy as np

from indexer.types import Face, Image
from indexer.vision.detection import overlap, rotation
from indexer.vision.detection.clarify import clarified
from indexer.vision.detection.second_look import CERTAIN, DOUBTFUL, confirmed, find_at
from indexer.vision.detection.yunet import YuNet

STEP = 4
"""Each size is smaller than the one before by this factor, and costs a sixteenth of its time. YuNet finds
faces 20 to 500 pixels high, so that two sizes overlap widely."""
COARSEST_PX = 160
"""Longer side of the smallest size."""
CLOSE_UP_PX = 256
"""In a picture up to this long, YuNet finds a face that fills it without a smaller size."""
COARSE_FACE_PX = 48
"""Smaller faces of a reduced picture are ignored: the larger size detects them better."""

MIN_ROTATED_CONFIDENCE = 0.85
"""Least confidence of a face in a rotated picture. In 265 pictures without a face, detections in the three
rotations have up to 0.84."""
MIN_ROTATED_GAIN = 0.03
"""By which its confidence must exceed that of the best face without rotation."""
MAX_ENLARGEMENT, MIN_ENLARGEMENT = 2.0, 1.25
"""Of a picture in which nothing was found, up to the size of detection: a face of 10 to 20 pixels is found at
twice its size."""
PATCH_PX = 160
"""Longer side of the patch around an uncertain face that is rotated first."""


class Detector:
    """Safe to call from several threads."""

    def __init__(self, network: YuNet, *, size_px: int) -> None:
        """`size_px`: pictures with a longer side are reduced to it before detection."""
        self._network = network
        self._size_px = size_px

    @property
    def size_px(self) -> int:
        """Pictures need no more pixels than this along the longer side."""
        return self._size_px

    @property
    def settings(self) -> str:
        """Identifies the parameters, besides the weights, that decide which faces are found."""
        return f"sizes, turns and second looks, {self._network.min_confidence:g} {self._size_px}"

    def detect(self, image: Image) -> list[Face]:
        """All faces, the largest first, in the pixels of `image`, shape (height, width, 3), RGB.

        Faces of any rotation are found (`Face.rotation_degrees`)."""
        scale = min(1.0, self._size_px / max(image.shape[:2]))
        picture = _scaled(image, scale)
        found = self._upright(picture)
        if not self._sure(found):
            found += self._bordered(picture)
        if _confidence(found) < CERTAIN:
            found = self._look_again(picture, found)
        faces = self._sure(found)
        # Each side by itself: that of the reduced picture is rounded to whole pixels.
        horizontal, vertical = (image.shape[axis] / picture.shape[axis] for axis in (1, 0))
        faces = [face.scaled(horizontal, vertical) for face in faces]
        return sorted(faces, key=lambda face: face.box.area_px, reverse=True)

    def detect_at(self, image: Image, expected: Face) -> Face | None:
        """The face in the box of `expected`, in the pixels of `image`; None if there is none. The least
        confidence of `detect` does not apply: somebody says that there is a face."""
        return find_at(self._network, image, expected)

    def _sure(self, faces: Iterable[Face]) -> list[Face]:
        return [face for face in faces if face.confidence >= self._network.min_confidence]

    def _upright(self, picture: Image) -> list[Face]:
        """The faces at all sizes, merged, the doubtful ones included."""
        faces = self._network.detect(picture, min_confidence=DOUBTFUL)
        longer_side = side = max(picture.shape[:2])
        while side > CLOSE_UP_PX:
            side = max(side // STEP, COARSEST_PX)
            scale = side / longer_side
            large = [
                face.scaled(1.0 / scale)
                for face in self._network.detect(_scaled(picture, scale), min_confidence=DOUBTFUL)
                if max(face.box.width, face.box.height) >= COARSE_FACE_PX
            ]
            faces = overlap.merge(faces, large)
        return faces

    def _bordered(self, picture: Image) -> list[Face]:
        """The faces of the reduced picture with a border: a face may be larger than the picture."""
        scale = min(1.0, self._size_px / STEP / max(picture.shape[:2]))
        reduced = _scaled(picture, scale)
        faces = self._network.detect(reduced, border=0.5, min_confidence=DOUBTFUL)
        return [face.scaled(1.0 / scale) for face in faces]

    def _look_again(self, picture: Image, found: list[Face]) -> list[Face]:
        """The faces of a picture in which none of those that were `found` is certain."""
        faces = confirmed(self._network, picture, *self._rotated(picture, found))
        if not faces:
            clear = clarified(picture)
            faces = confirmed(self._network, clear, (), self._upright(clear))
        enlargement = min(MAX_ENLARGEMENT, self._size_px / max(picture.shape[:2]))
        if not faces and enlargement >= MIN_ENLARGEMENT:
            large = self._network.detect(_enlarged(picture, enlargement), min_confidence=DOUBTFUL)
            faces = confirmed(self._network, picture, (), [face.scaled(1 / enlargement) for face in large])
        return faces

    def _rotated(self, picture: Image, found: list[Face]) -> tuple[list[Face], list[Face]]:
        """The sure and the doubtful faces at the rotation with the highest total confidence; if none is
        better than no rotation, those that were `found`, with the faces at all rotations as doubtful ones.

        If there is a face without rotation, the patch around the best one is rotated first, which is
        cheap."""
        least = max(MIN_ROTATED_CONFIDENCE, _confidence(found) + MIN_ROTATED_GAIN)
        quarters: tuple[int, ...] = rotation.QUARTERS
        if self._sure(found):
            patch = _around(max(found, key=lambda face: face.confidence), picture)
            quarters = tuple(
                quarter
                for quarter in quarters
                if _confidence(self._network.detect(rotation.rotate(patch, quarter))) >= least
            )
        shown = [
            [
                rotation.rotate_back(face, quarter, picture)
                for face in self._upright(rotation.rotate(picture, quarter))
            ]
            for quarter in quarters
        ]
        better = [faces for faces in shown if _confidence(faces) >= least]
        if better:
            shown = []
            found = max(better, key=lambda faces: sum(face.confidence for face in self._sure(faces)))
        sure = self._sure(found)
        return sure, [*(face for face in found if face not in sure), *chain.from_iterable(shown)]


def central(faces: Sequence[Face], image: Image) -> Face | None:
    """The face whose centre is closest to the picture's: in a labelled collection, the person of the label.

    None if there is no face."""
    height, width = image.shape[:2]

    def distance_px(face: Face) -> float:
        box = face.box
        return math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2)

    return min(faces, key=distance_px, default=None)


def _confidence(faces: Sequence[Face]) -> float:
    """The highest confidence; 0 without faces."""
    return max((face.confidence for face in faces), default=0.0)


def _scaled(image: Image, scale: float) -> Image:
    if scale >= 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    # Down to a half, bilinear interpolation reads every pixel, and takes an eighth of the time.
    method = cv2.INTER_LINEAR if scale >= 0.5 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def _enlarged(picture: Image, scale: float) -> Image:
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def _around(face: Face, picture: Image) -> Image:
    """The face with its own size around it on each side, reduced to `PATCH_PX`."""
    box = face.box
    middle_x, middle_y = box.x + box.width / 2, box.y + box.height / 2
    reach = max(box.width, box.height)
    left, top = max(0, round(middle_x - reach)), max(0, round(middle_y - reach))
    patch = picture[
        top : max(top + 1, round(middle_y + reach)), left : max(left + 1, round(middle_x + reach))
    ]
    return _scaled(patch, PATCH_PX / max(patch.shape[:2]))
