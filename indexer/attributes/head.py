"""What all heads have in common."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

from indexer.attributes.estimate import Estimate
from indexer.pipeline.pipeline import AlignedFace, Photograph
from indexer.types import Attribute, Face, Image, Quality, Template
from indexer.vision.align import ARCFACE_112, align

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceView:
    """A face in its photograph, from which each head cuts out what it needs. For one thread at a time."""

    pixels: Image
    """The photograph, perhaps reduced."""
    divisor: int
    """Pixels of the photograph as it was sent for each one of `pixels`, along a side."""
    face: Face
    """In pixels of the photograph as it was sent."""
    quality: Quality
    share_inside: float = 1.0
    """As of `AlignedFace`."""
    permitted: frozenset[str] | None = None
    """Attributes whose networks may run for another one, as that of a mask does for `quality`; None: all."""
    results: dict[Hashable, Any] = field(default_factory=dict)
    """Of work that several heads need, by what made them: see `once`."""

    @classmethod
    def of(cls, photograph: Photograph, face: AlignedFace, permitted: frozenset[str] | None = None) -> Self:
        """`face`: of the photograph."""
        return cls(
            pixels=photograph.pixels,
            divisor=photograph.divisor,
            face=face.face,
            quality=face.quality,
            share_inside=face.share_inside,
            permitted=permitted,
        )

    def permits(self, attribute: Attribute) -> bool:
        return self.permitted is None or attribute in self.permitted

    def aligned(self, template: Template = ARCFACE_112) -> Image:
        """Shape (side, side, 3). Not to be changed: other heads get the same array."""
        key = ("aligned", template.name)
        if key not in self.results:
            landmarks = self.face.landmarks_for(template)
            self.results[key] = align(self.pixels, landmarks, template, divisor=self.divisor)
        image: Image = self.results[key]
        return image


def once(
    key: Hashable, faces: Sequence[FaceView], compute: Callable[[Sequence[FaceView]], Sequence[Result]]
) -> list[Result]:
    """A result for each face, computed for those that have none of this `key` yet: a network whose outputs
    several heads need runs once for a face."""
    new = [face for face in faces if key not in face.results]
    if new:
        for face, result in zip(new, compute(new), strict=True):
            face.results[key] = result
    return [face.results[key] for face in faces]


class Head(Protocol):
    """Estimates one attribute. Safe to call from several threads."""

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        """One estimate for each face."""
        ...
