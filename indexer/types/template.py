"""Where a model expects the landmarks of a face."""

from dataclasses import dataclass

from indexer.types.arrays import Points


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """The places of the five landmarks in the square input of a model."""

    name: str
    """Part of a model's fingerprint: another alignment makes other embeddings."""
    side_px: int
    points: Points
    refined: bool
    """Whether the landmarks are refined before a face is aligned to it."""
