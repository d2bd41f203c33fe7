"""The degradations of photographs: their kinds, and the levels of each.

Sizes are in pixels of the face at the 112-pixel template, not of the photograph. So a level means the same
for every photograph: a face twice as large is blurred with twice the radius.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from indexer.types import Face, Image
from indexer.vision import degrade
from indexer.vision.align import ARCFACE_112, similarity

CLEAN = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    value: float
    label: str
    apply: Callable[[Image, Face, np.random.Generator], Image]
    """Takes the image, its face as detected in the clean image, and a random generator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    name: str
    title: str
    unit: str
    """The unit of the levels' values; empty if the levels are kinds, not amounts."""
    levels: tuple[Level, ...]
    clean_before: int = 0
    """The index among the levels where the clean image belongs."""


def face_side_px(face: Face) -> float:
    """The length of the template's side over this face, in pixels of the image."""
    transform = similarity(face.landmarks, ARCFACE_112.points)
    return ARCFACE_112.side_px / max(float(np.hypot(transform[0, 0], transform[1, 0])), 1e-6)


def _resolution(side_px: int) -> Level:
    def apply(image: Image, face: Face, _: np.random.Generator) -> Image:
        factor = side_px / face_side_px(face)
        return degrade.low_resolution(image, factor) if factor < 1 else image

    label = f"{side_px} px" + (", a quarter" if side_px * 4 == ARCFACE_112.side_px else "")
    return Level(value=side_px, label=label, apply=apply)


def _noise(sigma: float) -> Level:
    return Level(
        value=sigma, label=f"{sigma:g}", apply=lambda image, _, rng: degrade.noise(image, sigma, rng)
    )


def _blur(sigma_px: float) -> Level:
    def apply(image: Image, face: Face, _: np.random.Generator) -> Image:
        return degrade.blur(image, sigma_px * face_side_px(face) / ARCFACE_112.side_px)

    return Level(value=sigma_px, label=f"{sigma_px:g} px", apply=apply)


def _jpeg(quality: int) -> Level:
    return Level(value=quality, label=f"{quality}", apply=lambda image, *_: degrade.jpeg(image, quality))


def _brightness(factor: float) -> Level:
    return Level(
        value=factor, label=f"x {factor:g}", apply=lambda image, *_: degrade.brightness(image, factor)
    )


def _rotation(degrees: float) -> Level:
    return Level(value=degrees, label=f"{degrees:g}°", apply=lambda image, *_: degrade.rotate(image, degrees))


SERIES = (
    Series(
        name="resolution",
        title="Resolution",
        unit="pixels per side of the 112-pixel template that remain",
        levels=tuple(_resolution(side) for side in (112, 56, 42, 28, 20, 16)),
    ),
    Series(
        name="noise",
        title="Noise",
        unit="standard deviation, of 255",
        levels=tuple(_noise(sigma) for sigma in (5, 10, 20, 40, 60)),
    ),
    Series(
        name="blur",
        title="Blur",
        unit="standard deviation, pixels of the template",
        levels=tuple(_blur(sigma) for sigma in (1, 2, 3, 4, 6)),
    ),
    Series(
        name="jpeg",
        title="JPEG",
        unit="quality",
        levels=tuple(_jpeg(quality) for quality in (50, 30, 20, 10, 5)),
    ),
    Series(
        name="brightness",
        title="Brightness",
        unit="factor",
        levels=tuple(_brightness(factor) for factor in (0.05, 0.1, 0.25, 0.5, 1.5, 2, 3)),
        clean_before=4,
    ),
    Series(
        name="occlusion",
        title="Occlusion",
        unit="",
        levels=(
            Level(value=0, label="eyes", apply=lambda i, f, _: degrade.occlude(i, f.landmarks, "eyes")),
            Level(value=1, label="mouth", apply=lambda i, f, _: degrade.occlude(i, f.landmarks, "mouth")),
        ),
    ),
    Series(
        name="rotation",
        title="Rotation",
        unit="degrees, in the image plane",
        levels=tuple(_rotation(degrees) for degrees in (10, 20, 30, 45, 60, 90, 180)),
    ),
)
