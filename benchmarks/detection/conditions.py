"""Pictures that are hard to find a face in, made from a picture whose face is known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from benchmarks.detection import occlusions
from indexer.types import Box, Face, Image
from indexer.vision import degrade

FULL_WELL = 4000.0
"""Electrons of a white pixel."""
READ_NOISE = 4.0
"""Standard deviation, in electrons."""
GAMMA = 2.2
SURROUNDINGS = (320, 240)
"""Width and height of the picture that a tiny face is pasted into."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A picture and the place of one face in it; its confidence is of no importance."""

    image: Image
    face: Face


@dataclass(frozen=True, kw_only=True, eq=False)
class Making:
    known: Known
    surroundings: Image
    """A picture without a face, of any size."""
    rng: np.random.Generator


Condition = Callable[[Making], Known]


def turned(degrees: float) -> Condition:
    """About the middle, counterclockwise, on a black ground that holds the whole picture."""

    def make(making: Making) -> Known:
        image, face = making.known.image, making.known.face
        height, width = image.shape[:2]
        side = max(width, height) if degrees % 90 == 0 else int(np.ceil(np.hypot(width, height)))
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        turn[:, 2] += (side - width) / 2, (side - height) / 2
        box, angle = face.box, np.radians(degrees)
        x, y = turn[:, :2] @ (box.x + box.width / 2, box.y + box.height / 2) + turn[:, 2]
        across = float(np.hypot(box.width * np.cos(angle), box.height * np.sin(angle)))
        down = float(np.hypot(box.width * np.sin(angle), box.height * np.cos(angle)))
        return Known(
            image=np.asarray(cv2.warpAffine(image, turn, (side, side)), np.uint8),
            face=replace(
                face,
                box=Box(x=x - across / 2, y=y - down / 2, width=across, height=down),
                landmarks=(face.landmarks @ turn[:, :2].T + turn[:, 2]).astype(np.float32),
            ),
        )

    return make


def dark(divisor: float) -> Condition:
    """With so much less light: shot noise, read noise and rounding, without gain."""

    def make(making: Making) -> Known:
        light = (making.known.image / 255.0) ** GAMMA / divisor
        electrons = making.rng.poisson(light * FULL_WELL) + making.rng.normal(0, READ_NOISE, light.shape)
        values = 255 * np.clip(electrons / FULL_WELL, 0, 1) ** (1 / GAMMA)
        return replace(making.known, image=np.rint(values).astype(np.uint8))

    return make


def tiny(side_px: float) -> Condition:
    """Reduced until the face's longer side has so many pixels, and pasted into the surroundings."""

    def make(making: Making) -> Known:
        image, face = making.known.image, making.known.face
        scale = side_px / max(face.box.width, face.box.height)
        width, height = max(4, round(image.shape[1] * scale)), max(4, round(image.shape[0] * scale))
        canvas = np.asarray(
            cv2.resize(making.surroundings, SURROUNDINGS, interpolation=cv2.INTER_AREA), np.uint8
        )
        left = int(making.rng.integers(0, canvas.shape[1] - width))
        top = int(making.rng.integers(0, canvas.shape[0] - height))
        canvas[top : top + height, left : left + width] = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA
        )
        small = face.scaled(width / image.shape[1], height / image.shape[0])
        box = replace(small.box, x=small.box.x + left, y=small.box.y + top)
        landmarks = small.landmarks + np.array([left, top], np.float32)
        return Known(image=canvas, face=replace(small, box=box, landmarks=landmarks))

    return make


def covered(shape: occlusions.Shape, colour: occlusions.Colour | None = None) -> Condition:
    return _pixels(
        lambda image, face, rng: occlusions.cover(
            image, face.landmarks, shape, colour or occlusions.random_colour(rng), rng
        )
    )


def both(first: Condition, second: Condition) -> Condition:
    return lambda making: second(replace(making, known=first(making)))


def _pixels(change: Callable[[Image, Face, np.random.Generator], Image]) -> Condition:
    return lambda making: replace(
        making.known, image=change(making.known.image, making.known.face, making.rng)
    )


def _blurred(share: float) -> Condition:
    """Standard deviation as a share of the face's longer side."""
    return _pixels(lambda image, face, _: degrade.blur(image, share * max(face.box.width, face.box.height)))


SUNGLASSES = _pixels(lambda image, face, _: occlusions.sunglasses(image, face.landmarks))
MASK, HIGH_MASK = occlusions.mask_shape(0.42), occlusions.mask_shape(0.2)
CONDITIONS: dict[str, Condition] = {
    "as it is": lambda making: making.known,
    **{f"turned by {degrees}": turned(degrees) for degrees in (15, 30, 45, 60, 90, 135, 180)},
    **{f"light / {divisor}": dark(divisor) for divisor in (20, 60, 150, 300)},
    **{f"face of {side_px} px": tiny(side_px) for side_px in (8, 10, 12, 14, 16)},
    "white mask": covered(MASK, occlusions.WHITE),
    "blue mask": covered(MASK, occlusions.BLUE),
    "black mask": covered(MASK, occlusions.BLACK),
    "mask up to the eyes": covered(HIGH_MASK, occlusions.BLUE),
    "scarf": covered(occlusions.SCARF),
    "sunglasses": SUNGLASSES,
    "sunglasses and mask": both(covered(MASK, occlusions.BLACK), SUNGLASSES),
    "left half covered": covered(occlusions.LEFT_HALF),
    "right half covered": covered(occlusions.RIGHT_HALF),
    "upper half covered": covered(occlusions.UPPER_HALF),
    "blur, 4 % of the face": _blurred(0.04),
    "blur, 8 % of the face": _blurred(0.08),
    "JPEG quality 10": _pixels(lambda image, *_: degrade.jpeg(image, 10)),
    "JPEG quality 4": _pixels(lambda image, *_: degrade.jpeg(image, 4)),
    "noise of 60": _pixels(lambda image, _, rng: degrade.noise(image, 60.0, rng)),
    "turned by 45, light / 60": both(turned(45), dark(60)),
    "turned by 45, blue mask": both(covered(MASK, occlusions.BLUE), turned(45)),
}


def versions(making: Making) -> Iterator[tuple[str, Known]]:
    for name, condition in CONDITIONS.items():
        yield name, condition(making)
