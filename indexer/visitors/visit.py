"""A face of an identified photograph, and what the memory of visitors made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.pipeline.pipeline import AlignedFace
from indexer.records.enrolled.owners import Owner
from indexer.types import Crop, Enrolment, NearPerson


class VisitOutcome(StrEnum):
    NEW = "new"
    """The face matched nobody, and is an anonymous identity from now on."""
    SEEN = "seen"
    """It matched a visitor."""
    FACE_ADDED = "face_added"
    """It matched a visitor, and is now one of the visitor's faces."""
    LOW_QUALITY = "low_quality"
    """It matched nobody, and is not good enough to be remembered."""
    SKIPPED = "skipped"
    """It was not remembered: PostgreSQL, the index or the gallery's lock was not available in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    outcome: VisitOutcome
    identity_id: UUID | None = None
    """Of the visitor, if there is one."""
    face_id: UUID | None = None
    """Of the face that was stored; or of the visitor's, where another process stored that after the
    search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """A person whom a face resembles."""

    owner: Owner
    person: NearPerson

    @property
    def is_visitor(self) -> bool:
        return self.owner.anonymous and self.owner.last_seen_at is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProbeFace:
    aligned: AlignedFace
    vector: NDArray[np.float32]
    """Shape (dimension,), of length 1, of the gallery's model."""
    people: Sequence[Resemblance]
    """Best first."""
    crop: Crop
    image_sha256: bytes
    """Of the photograph."""
    audit_id: UUID | None
    """Of the event of the search, where there is an audit record."""

    def enrolment(self, model: str, *, store_crop: bool) -> Enrolment:
        """`model`: fingerprint."""
        return Enrolment(
            face=self.aligned.face,
            quality=self.aligned.quality,
            vectors={model: self.vector},
            image_sha256=self.image_sha256,
            crop=self.crop if store_crop else None,
        )
