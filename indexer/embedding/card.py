"""The description of a model. Its fingerprint is stored with every vector, calibration and answer."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from indexer.embedding.weights import WeightFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The input that a network expects: channel i is (value - mean[i]) / std[i], values from 0 to 255."""

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
    """How pixels are scaled before the first layer, as text: part of the fingerprint."""
    pixels: "Pixels | None" = None
    """For `onnx`, whose network does not scale its pixels itself."""
    mirror: bool
    """Whether an embedding is the mean of those of the face and of its mirror image."""
    score_at_fmr: tuple[tuple[float, float], ...]
    """Measured: (share of pairs of different people, cosine that they reach), by falling share. Empty if it
    was not measured: the model can embed, but has no thresholds."""
    genuine_scores: tuple[float, ...]
    """Measured: quantiles of the cosine of two pictures of the same person, evenly spaced from 0 to 1."""
    licence: str
    source: str
    opened_as: str | None = field(default=None, compare=False)
    """The name that opens it, if `name` alone does not."""

    @property
    def known_as(self) -> str:
        """The name by which `catalog.named` finds it, in any process."""
        return self.opened_as or self.name

    @property
    def side_px(self) -> int:
        """Of the faces that it takes: a template's name is `family-side-version`."""
        return int(self.template.split("-")[1])

    @property
    def fingerprint(self) -> str:
        """Different for two models whose embeddings must not be compared."""
        parts = (self.weights.sha256, self.template, self.normalisation, f"mirror={self.mirror}")
        return f"{self.name}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"

    def summary(self) -> dict[str, Any]:
        """The entry in a list of models, ready for JSON."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "dimension": self.dimension,
            "template": self.template,
            "mirror": self.mirror,
            "licence": self.licence,
            "source": self.source,
        }
