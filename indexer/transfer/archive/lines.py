"""The lines of an export's NDJSON files."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from indexer.records.text import MAX_TEXT
from indexer.transfer.archive.manifest import MAX_FILE_BYTES, Strict, Time

MAX_CROP_BYTES = 4_000_000

_SMALLEST_REAL = 1e-37


def _as_real(value: float) -> float:
    """PostgreSQL rejects what is smaller than its `real` has, instead of rounding it to 0."""
    return value if abs(value) > _SMALLEST_REAL else 0.0


Pixel = Annotated[float, Field(ge=-1e9, le=1e9), AfterValidator(_as_real)]
Five = Annotated[list[Pixel], Field(min_length=10, max_length=10)]
"""x and y of the five landmarks."""


class IdentityLine(Strict):
    id: UUID
    external_id: str | None = Field(max_length=3 * MAX_TEXT)
    name: str | None = Field(max_length=3 * MAX_TEXT)
    metadata: dict[str, Any]
    anonymous: bool
    hidden: bool
    last_seen_at: Time | None
    created_at: Time
    updated_at: Time

    @model_validator(mode="after")
    def _anonymous_without_name(self) -> "IdentityLine":
        if self.anonymous and (self.name is not None or self.external_id is not None):
            raise ValueError("an anonymous identity has neither a name nor an external id")
        return self


class CropPlace(Strict):
    offset: int = Field(ge=0, le=MAX_FILE_BYTES)
    """Of the first byte in the file of crops."""
    bytes: int = Field(ge=1, le=MAX_CROP_BYTES)
    landmarks: Five
    """In pixels of the crop."""


class FaceLine(Strict):
    id: UUID
    identity_id: UUID
    box: Annotated[list[Pixel], Field(min_length=4, max_length=4)]
    landmarks: Five
    confidence: Annotated[float, Field(ge=-1e9, le=1e9), AfterValidator(_as_real)]
    quality: Annotated[float, Field(ge=0, le=100), AfterValidator(_as_real)]
    quality_components: dict[Annotated[str, Field(max_length=100)], float] = Field(max_length=100)
    image_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    created_at: Time
    problem: str | None = Field(max_length=2_000)
    """Why the model could not embed it: its vector is zero then."""
    crop: CropPlace | None


class DistinctLine(Strict):
    identity_id: UUID
    other_id: UUID
    created_at: Time
