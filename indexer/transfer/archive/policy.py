"""The policy of a gallery, as an export has it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from indexer.errors import ArchiveInvalid
from indexer.records.tables import Gallery
from indexer.records.tables.galleries import MAX_VISITOR_FACES, MAX_VISITORS, VISITOR_LIFETIME_HOURS
from indexer.transfer.archive.manifest import NAME, first_problem
from indexer.types import Attribute, DuplicateCheck, LivenessPolicy, PersonScore


class Policy(BaseModel):
    """The fields that `records.galleries.create` takes; those that an older version did not have have their
    defaults."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, from_attributes=True)

    store_crops: bool = True
    keep_probes: bool = False
    identify_fpir: float | None = Field(None, gt=0, lt=1)
    min_match_face_px: float | None = Field(None, ge=0)
    min_match_sharpness: float | None = Field(None, ge=0)
    max_match_miss_rate: float | None = Field(None, ge=0, le=1)
    person_score: PersonScore = PersonScore.NEAREST
    duplicate_check: DuplicateCheck = DuplicateCheck.OFF
    duplicate_fpir: float | None = Field(None, gt=0, lt=1)
    remember_unknown: bool = False
    min_visitor_quality: float | None = Field(None, ge=0, le=100)
    visitor_lifetime_hours: float = Field(VISITOR_LIFETIME_HOURS, gt=0)
    max_visitors: int = Field(MAX_VISITORS, gt=0, lt=2**31)
    max_visitor_faces: int = Field(MAX_VISITOR_FACES, gt=0, lt=2**31)
    attributes: list[Attribute] | None = None
    liveness: LivenessPolicy = LivenessPolicy.OFF


def of_gallery(gallery: Gallery) -> dict[str, Any]:
    return Policy.model_validate(gallery).model_dump(mode="json")


def parse(values: Mapping[str, Any]) -> tuple[Policy, list[str]]:
    """And the names of the fields that this version does not know. Raises ArchiveInvalid."""
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        raise ArchiveInvalid(f"{NAME}: policy: {first_problem(error)}", file=NAME) from None
    return policy, sorted(values.keys() - Policy.model_fields.keys())
