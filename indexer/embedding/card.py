"""The description of a model. Its fingerprint is stored with every vector, calibration and answer."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from indexer.weights.file import WeightFile
from indexer.weights.locate import is_present
from indexer.weights.store import WeightStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The input that a network expects: channel i is (value - mean[i]) / std[i], values from 0 to 255."""

    channels: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __str__(self) -> str:
        return f"({self.channels}-{self.mean})/{self.std}".replace(" ", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the models that a fused model consists of."""

    card: "ModelCard"
    """Of a single network."""
    weight: float
    """Of its cosine in the fused one; those of all parts add up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    name: str
    architecture: str
    """One of `backbones.registry.BACKBONES`, `onnx` where the file brings its own network, or `fused`."""
    weights: tuple[WeightFile, ...]
    """All files that the model needs."""
    dimension: int
    template: str
    """Name of the alignment, one of `vision.align.TEMPLATES`; of a fused model those of `templates`."""
    normalisation: str
    """How pixels are scaled before the first layer, as text: part of the fingerprint."""
    parts: tuple[Part, ...] = ()
    """Of a fused model, whose embedding is described in `embedding.fused`; else empty."""
    pixels: "Pixels | None" = None
    """For `onnx`, whose network does not scale its pixels itself."""
    mirror: bool
    """Whether an embedding is the mean of those of the face and of its mirror image."""
    score_at_fmr: tuple[tuple[float, float], ...]
    """Measured: (share of pairs of different people, cosine that they reach), by falling share. Empty if it
    was not measured: the model can embed, but has no thresholds."""
    fmr_ranges: tuple[tuple[float, float], ...] = ()
    """Measured: for each point of `score_at_fmr`, the lowest and the highest share of pairs of different
    people that reached its score, over several sets of photographs. Empty if one set was measured."""
    genuine_scores: tuple[float, ...]
    """Measured: quantiles of the cosine of two pictures of the same person, evenly spaced from 0 to 1."""
    licence: str
    source: str
    is_superseded: bool = False
    """Whether a published model of the same name has another alignment now."""
    opened_as: str | None = field(default=None, compare=False)
    """The name that opens it, if `name` alone does not."""

    @property
    def known_as(self) -> str:
        """The name by which `catalog.named` finds it, in any process."""
        return self.opened_as or (self.fingerprint if self.is_superseded else self.name)

    @property
    def templates(self) -> tuple[str, ...]:
        """Names of the alignments in which it takes a face, each once: several only for a fused model."""
        if not self.parts:
            return (self.template,)
        return tuple(dict.fromkeys(part.card.template for part in self.parts))

    @property
    def side_px(self) -> int:
        """Of the faces that a single network takes: a template's name is `family-side-version`."""
        return int(self.template.split("-")[1])

    @property
    def fingerprint(self) -> str:
        """Different for two models whose embeddings must not be compared."""
        return f"{self.name}-{hashlib.sha256(self._identity.encode()).hexdigest()[:12]}"

    @property
    def _identity(self) -> str:
        """All that embeddings depend on, without names."""
        if self.parts:
            return "+".join(f"{part.weight:.6f}({part.card._identity})" for part in self.parts)
        digests = (file.sha256 for file in self.weights)
        return "|".join([*digests, self.template, self.normalisation, f"mirror={self.mirror}"])

    def is_available(self, store: WeightStore) -> bool:
        """Whether its files are on this machine. Their digests are not verified."""
        return all(is_present(file, store) for file in self.weights)

    def summary(self) -> dict[str, Any]:
        """The entry in a list of models, ready for JSON."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "dimension": self.dimension,
            "template": self.template,
            "mirror": self.mirror,
            "parts": [
                {"name": part.card.name, "weight": round(part.weight, 6), "mirror": part.card.mirror}
                for part in self.parts
            ],
            "licence": self.licence,
            "source": self.source,
            "superseded": self.is_superseded,
        }
