"""A gallery and the threshold of its searches."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.calibration.policy import PolicyStatus
from indexer.records import tables
from indexer.types import Attribute, DuplicateCheck, LivenessPolicy, PersonScore
from indexer.usecases.answers.threshold import Threshold


class Identification(Threshold):
    """The threshold of a search in the gallery at its present size."""

    supported_up_to_faces: int = Field(
        description="Gallery size up to which the calibration supports the policy; 0 if it supports it at no"
        " size"
    )

    @classmethod
    def of(cls, policy: PolicyStatus) -> "Identification":
        return cls(**cls.fields_of(policy.decision), supported_up_to_faces=policy.most_faces)


class Gallery(BaseModel):
    """A gallery and the threshold of its searches."""

    id: UUID = Field(description="Assigned by Gemel")
    name: str = Field(description="Name that clients use in paths", examples=["staff"])
    store_crops: bool = Field(
        description="Whether a crop of each face is stored for later models", examples=[True]
    )
    keep_probes: bool = Field(
        description="Policy: whether a crop of each identified face is kept beside the audit record",
        examples=[False],
    )
    identities: int = Field(description="Number of identities")
    faces: int = Field(description="Number of enrolled faces")
    change_number: int = Field(description="Number of its last change")
    identify_fpir: float | None = Field(
        description="Policy: share of searches for strangers that may give a false alarm; null:"
        " `GEMEL_IDENTIFY_FPIR`"
    )
    min_match_face_px: float | None = Field(
        description="Policy: smaller faces of a photograph match nobody; 0: no limit; null:"
        " `GEMEL_MIN_MATCH_FACE_PX`"
    )
    min_match_sharpness: float | None = Field(
        description="Policy: more blurred faces of a photograph match nobody; 0: no limit; null:"
        " `GEMEL_MIN_MATCH_SHARPNESS`"
    )
    max_match_miss_rate: float | None = Field(
        description="Policy: faces of a photograph with a higher `expected_miss_rate` match nobody; 1: no"
        " limit; null: `GEMEL_MAX_MATCH_MISS_RATE`"
    )
    person_score: PersonScore = Field(
        description="Policy: the score of a person with several faces, that of the `nearest` face, or `fused`"
        " with that of the person template"
    )
    duplicate_check: DuplicateCheck = Field(
        description="Policy: what an enrolment does with a face that looks like another person"
    )
    duplicate_fpir: float | None = Field(
        description="Policy: share of new people's faces that the duplicate check may take for somebody"
        " enrolled; null: a tenth of the FPIR of identification"
    )
    remember_unknown: bool = Field(
        description="Policy: whether faces that match nobody are remembered as anonymous identities",
        examples=[False],
    )
    min_visitor_quality: float | None = Field(
        description="Policy: least quality score of a remembered face; null: the limits of enrolment alone"
    )
    visitor_lifetime_hours: float = Field(
        description="Policy: hours after which a visitor who was not seen again is forgotten", examples=[72.0]
    )
    max_visitors: int = Field(
        description="Policy: most visitors that are remembered; a further one takes the place of the one who"
        " was not seen for the longest time",
        examples=[10_000],
    )
    max_visitor_faces: int = Field(
        description="Policy: most faces that are remembered of one visitor", examples=[5]
    )
    attributes: list[Attribute] | None = Field(
        description="Policy: attributes of a face that requests may ask for, among those that the"
        " installation permits; null: all of those (`GEMEL_ATTRIBUTES`)",
        examples=[["liveness", "quality"]],
    )
    liveness: LivenessPolicy = Field(
        description="Policy: what is done about prints and screens that show a person", examples=["off"]
    )
    identification: Identification | None = Field(
        description="The threshold at its present size, and what it means; null if this process cannot"
        " open its model"
    )
    created_at: datetime = Field(description="Time of creation")

    @classmethod
    def of(cls, gallery: tables.Gallery, identities: int, policy: PolicyStatus | None) -> "Gallery":
        return cls(
            id=gallery.id,
            name=gallery.name,
            store_crops=gallery.store_crops,
            keep_probes=gallery.keep_probes,
            identities=identities,
            faces=gallery.face_count,
            change_number=gallery.change_number,
            identify_fpir=gallery.identify_fpir,
            min_match_face_px=gallery.min_match_face_px,
            min_match_sharpness=gallery.min_match_sharpness,
            max_match_miss_rate=gallery.max_match_miss_rate,
            person_score=PersonScore(gallery.person_score),
            duplicate_check=DuplicateCheck(gallery.duplicate_check),
            duplicate_fpir=gallery.duplicate_fpir,
            remember_unknown=gallery.remember_unknown,
            min_visitor_quality=gallery.min_visitor_quality,
            visitor_lifetime_hours=gallery.visitor_lifetime_hours,
            max_visitors=gallery.max_visitors,
            max_visitor_faces=gallery.max_visitor_faces,
            attributes=None if gallery.attributes is None else list(map(Attribute, gallery.attributes)),
            liveness=LivenessPolicy(gallery.liveness),
            identification=policy and Identification.of(policy),
            created_at=gallery.created_at,
        )


class GalleryPage(BaseModel):
    galleries: list[Gallery] = Field(description="In the order of their names")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
