"""What all heads have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.attributes.estimate import Estimate
from indexer.types import Face, Image, Quality, Template
from indexer.vision.align import ARCFACE_112, align


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceView:
    """A face in its photograph, from which each head cuts out what it needs."""

    pixels: Image
    """The photograph, perhaps reduced."""
    divisor: int
    """Pixels of the photograph as it was sent for each one of `pixels`, along a side."""
    face: Face
    """In pixels of the photograph as it was sent."""
    quality: Quality

    def aligned(self, template: Template = ARCFACE_112) -> Image:
        """Shape (side, side, 3)."""
        return align(self.pixels, self.face.landmarks_for(template), template, divisor=self.divisor)


class Head(Protocol):
    """Estimates one attribute. Safe to call from several threads."""

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        """One estimate for each face."""
        ...
