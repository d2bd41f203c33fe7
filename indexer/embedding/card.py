"""What a model is, in a few lines that travel with every vector, threshold and answer it makes."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from indexer.embedding.weights import WeightFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How a network wants them: channel i is (channel - mean[i]) / std[i], of values from 0 to 255."""

    channels: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __str__(self) -> str:
        return f"({self.channels}-{self.mean})/{self.std}".replace(" ", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    name: str
    architecture: str
    """One of `backbones.registry.BACKBONES`, or `onnx` where the file brings its own network."""
    weights: WeightFile
    dimension: int
    template: str
    """Name of the alignment, one of `vision.align.TEMPLATES`."""
    normalisation: str
    """How pixels are scaled before the first layer, in words: part of the fingerprint."""
    pixels: "Pixels | None" = None
    """For `onnx`, where the network does not scale its pixels itself."""
    mirror: bool
    """Whether the mirror image is embedded too, and the mean of both taken."""
    score_at_fmr: tuple[tuple[float, float], ...]
    """Measured: (share of pairs of strangers, cosine that they reach), the share falling. Empty where
    nobody has measured it: then it can embed, but no threshold can be had."""
    genuine_scores: tuple[float, ...]
    """Measured: quantiles of the cosine of two pictures of one person, evenly spaced from 0 to 1."""
    licence: str
    source: str
    opened_as: str | None = field(default=None, compare=False)
    """Where its name alone does not find it."""

    @property
    def known_as(self) -> str:
        """By which `catalog.named` finds it again, in another process."""
        return self.opened_as or self.name

    @property
    def side_px(self) -> int:
        """Of the faces that it takes: templates are named `family-side-version`."""
        return int(self.template.split("-")[1])

    @property
    def fingerprint(self) -> str:
        """Two models whose embeddings may not be compared have different fingerprints."""
        parts = (self.weights.sha256, self.template, self.normalisation, f"mirror={self.mirror}")
        return f"{self.name}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"

    def summary(self) -> dict[str, Any]:
        """What a list of models says of each, ready for JSON."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "dimension": self.dimension,
            "template": self.template,
            "mirror": self.mirror,
            "licence": self.licence,
            "source": self.source,
        }
