"""Augmentation: other framing, other light, and degradations, as cameras produce them."""

import math
from dataclasses import dataclass, replace

import numpy as np

from indexer.types import Image, Points, Template
from indexer.vision import degrade
from indexer.vision.align import align


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """The strength of augmentation. Probabilities are per face."""

    rotation_degrees: float = 8.0
    zoom: float = 0.07
    """Largest relative change of the face's size, in both directions."""
    shift: float = 0.04
    """Largest shift of the crop, as a share of its side."""
    flip: float = 0.5
    light: float = 0.4
    """Probability of a change of brightness and contrast."""
    brightness: tuple[float, float] = (0.5, 1.6)
    contrast: tuple[float, float] = (0.6, 1.4)
    degraded: float = 0.5
    """Probability of one of the degradations below."""
    low_resolution: float = 0.5
    """The share of low resolution among the degradations: distant cameras produce it, and it costs published
    models most. Noise, blur, motion, JPEG and occlusion share the rest equally."""
    smallest: float = 0.14
    """The smallest size per side after low resolution, as a share of the original."""
    noise_sigma: float = 25.0
    blur_sigma: float = 0.025
    """Largest blur, as a share of the side; motion blur is up to five times as long."""
    jpeg_quality: tuple[int, int] = (8, 60)

    def apply(self, pixels: Image, landmarks: Points, template: Template, rng: np.random.Generator) -> Image:
        """An augmented face of a stored crop, aligned to `template`, shape (side, side, 3). The same `rng`
        gives the same face."""
        framed = self._framed(template, rng)
        face = align(pixels, landmarks, framed)
        if rng.random() < self.light:
            face = degrade.brightness(face, _log_uniform(rng, *self.brightness))
            face = degrade.contrast(face, rng.uniform(*self.contrast))
        if rng.random() < self.degraded:
            face = self._degraded(face, framed.points, rng)
        return np.ascontiguousarray(face[:, ::-1]) if rng.random() < self.flip else face

    def _framed(self, template: Template, rng: np.random.Generator) -> Template:
        side = template.side_px
        angle = math.radians(rng.uniform(-self.rotation_degrees, self.rotation_degrees))
        scale = 1.0 + rng.uniform(-self.zoom, self.zoom)
        middle = (side - 1) / 2
        offsets = (template.points - middle) @ np.array([1, 1j])
        shift = complex(*(rng.uniform(-self.shift, self.shift, 2) * side))
        moved = offsets * scale * complex(math.cos(angle), math.sin(angle)) + shift
        points = np.column_stack([moved.real, moved.imag]).astype(np.float32) + np.float32(middle)
        return replace(template, points=points)

    def _degraded(self, face: Image, landmarks: Points, rng: np.random.Generator) -> Image:
        side = face.shape[0]
        others = (1.0 - self.low_resolution) / len(_OTHERS)
        kind = rng.choice(("resolution", *_OTHERS), p=[self.low_resolution, *[others] * len(_OTHERS)])
        if kind == "resolution":
            small = degrade.low_resolution(face, _log_uniform(rng, self.smallest, 0.7))
            return degrade.jpeg(small, int(rng.integers(40, 95))) if rng.random() < 0.3 else small
        if kind == "noise":
            return degrade.noise(face, rng.uniform(2.0, self.noise_sigma), rng)
        if kind == "blur":
            return degrade.blur(face, side * rng.uniform(0.005, self.blur_sigma))
        if kind == "motion":
            length = max(3, round(side * rng.uniform(0.02, 5 * self.blur_sigma)))
            return degrade.motion_blur(face, length, rng.uniform(0.0, 180.0))
        if kind == "jpeg":
            return degrade.jpeg(face, int(rng.integers(*self.jpeg_quality)))
        return degrade.occlude(face, landmarks, "eyes" if rng.random() < 0.4 else "mouth")


_OTHERS = ("noise", "blur", "motion", "jpeg", "occlusion")

NONE = Augmentation(rotation_degrees=0.0, zoom=0.0, shift=0.0, flip=0.0, light=0.0, degraded=0.0)
LIGHT = Augmentation(light=0.2, degraded=0.0)
FULL = Augmentation()
DISTANT = Augmentation(degraded=0.6, low_resolution=0.7)
BY_NAME = {"none": NONE, "light": LIGHT, "full": FULL, "distant": DISTANT}


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
