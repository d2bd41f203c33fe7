"""What a model is, in a few lines that travel with every vector, threshold and answer it makes."""

import hashlib
from dataclasses import dataclass
from typing import Any

from indexer.embedding.weights import SFACE, WeightFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    name: str
    weights: WeightFile
    dimension: int
    template: str
    """Name of the alignment, one of `vision.align.TEMPLATES`."""
    normalisation: str
    """How pixels are scaled before the first layer, in words: part of the fingerprint."""
    mirror: bool
    """Whether the mirror image is embedded too, and the mean of both taken."""
    score_at_fmr: tuple[tuple[float, float], ...]
    """Measured: (share of pairs of strangers, cosine that they reach), the share falling."""
    genuine_scores: tuple[float, ...]
    """Measured: quantiles of the cosine of two pictures of one person, evenly spaced from 0 to 1."""
    licence: str
    source: str

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


# Over the 87,307,271 pairs of images of different people in LFW (`benchmarks/impostor_scores.py`).
# Rarer ones are left out: among those highest scores are people whom LFW labels wrongly.
_SFACE_SCORE_AT_FMR = ((0.5, 0.0834), (0.1, 0.2002), (0.01, 0.2959), (0.001, 0.3675), (0.0001, 0.4347))

# Over the 3,000 matched pairs of LFW's `pairs.txt` (`benchmarks/fit_face_vectors.py`), each 5 %.
_SFACE_GENUINE_SCORES = (
    *(0.009, 0.432, 0.488, 0.526, 0.552, 0.574, 0.592, 0.609, 0.627, 0.641, 0.655),
    *(0.669, 0.681, 0.695, 0.709, 0.725, 0.742, 0.763, 0.787, 0.824, 0.960),
)


def sface(*, mirror: bool) -> ModelCard:
    return ModelCard(
        name="sface",
        weights=SFACE,
        dimension=128,
        template="arcface-112-v1",
        normalisation="(rgb-127.5)/128",
        mirror=mirror,
        score_at_fmr=_SFACE_SCORE_AT_FMR,
        genuine_scores=_SFACE_GENUINE_SCORES,
        licence="Apache-2.0",
        source="OpenCV Zoo, face_recognition_sface 2021dec (Zhong et al. 2021)",
    )
