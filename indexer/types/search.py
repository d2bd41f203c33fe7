"""How an index is searched, and what it finds."""

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """How an index compares a probe with the enrolled."""

    EXACT = "exact"
    """With every vector, float32."""
    EXACT_FP16 = "exact-fp16"
    """With every vector, float16."""
    COMPACT = "compact"
    """With a 4-bit code of every vector, then with the float16 vectors of a shortlist."""
    GPU = "gpu"
    """With every vector, float16, on the GPUs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An enrolled face that the index found near a probe."""

    key: int
    score: float
    """Cosine similarity, -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPerson:
    """An enrolled person whom the index found near a probe."""

    key: int
    """Of the nearest face."""
    score: float
    """The person's score, -1 to 1: `face_score`, or its mean with `template_score`."""
    face_score: float
    """Cosine similarity to the nearest face."""
    template_score: float | None
    """Cosine similarity to the person template; None where there is none."""
    faces: int | None
    """How many faces the template is the mean of; None where there is none."""
