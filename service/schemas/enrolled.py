"""Stored objects: galleries, identities, faces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Field

from indexer.calibration.policy import PolicyStatus
from indexer.records import tables
from indexer.types import Box as FaceBox
from indexer.types import DuplicateCheck, PersonScore, rotation_degrees
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE
from indexer.usecases.answers.enrolment import Duplicate, EnrolmentWarning, PhotographGuidance
from indexer.usecases.answers.faces import Box, Landmarks, Quality, RotationDegrees
from indexer.usecases.answers.threshold import Threshold
from indexer.usecases.enrolment.quality_gate import Rejection
from indexer.usecases.enrolment.write import EnrolmentResult


class EnrolledFace(BaseModel):
    id: UUID = Field(description="Assigned by Gemel")
    box: Box = Field(description="Position in the enrolled photograph")
    landmarks: Landmarks = Field(description="Five landmarks in the enrolled photograph")
    rotation_degrees: RotationDegrees
    confidence: float = Field(description="Confidence of the detector, 0 to 1", examples=[0.9294])
    quality: Quality = Field(description="How well the face can be recognised")
    image_sha256: str = Field(
        examples=["5f1a" * 16], description="SHA-256 of the file as it was sent, in hex"
    )
    created_at: datetime = Field(description="Time of enrolment")
    audit_id: UUID | None = Field(
        description="Id of the enrolment in the audit record; null if there is no record, or if an older"
        " version enrolled the face"
    )
    request_id: str | None = Field(
        description="`X-Request-Id` of the request that enrolled it; null: enrolled by a command or an older"
        " version"
    )

    @classmethod
    def of(cls, face: tables.Face) -> "EnrolledFace":
        x, y, width, height = face.box
        return cls(
            id=face.id,
            box=Box.of(FaceBox(x=x, y=y, width=width, height=height)),
            landmarks=Landmarks.of(face.landmarks),
            rotation_degrees=rotation_degrees(np.array(face.landmarks, np.float32).reshape(5, 2)),
            confidence=round(face.confidence, 4),
            quality=Quality.from_stored(face.quality, face.quality_components),
            image_sha256=bytes(face.image_sha256).hex(),
            created_at=face.created_at,
            audit_id=face.audit_id,
            request_id=face.request_id,
        )


class RejectedPicture(BaseModel):
    """A picture that was not enrolled."""

    image: int = Field(description="Index of the picture in the request, from 0")
    code: str = Field(
        description="no_face_found, several_faces, face_too_small, face_blurred, quality_too_low,"
        " face_unrecognisable, duplicate_image, or an error code of the picture itself",
        examples=["face_too_small"],
    )
    message: str = Field(
        description="The reason, for people",
        examples=["the face is 17.2 pixels wide on its shorter side; at least 28 is required"],
    )
    measured: float | None = Field(
        examples=[17.2], default=None, description="The value that is too low or too high"
    )
    limit: float | None = Field(
        default=None, description="The limit that the value must meet", examples=[28.0]
    )

    @classmethod
    def list_of(cls, rejected: dict[int, Rejection]) -> "list[RejectedPicture]":
        return [
            cls(
                image=number,
                code=r.code,
                message=r.message,
                measured=r.details.get("measured"),
                limit=r.details.get("limit"),
            )
            for number, r in rejected.items()
        ]


class Identity(BaseModel):
    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="Name of its gallery", examples=["staff"])
    external_id: str | None = Field(
        description="Your own id, unique in the gallery; null if none was set", examples=["4711"]
    )
    name: str | None = Field(
        description="Name of the person; null if none was set", examples=["Grace Hopper"]
    )
    metadata: dict[str, Any] = Field(description="As you sent it", examples=[{"department": "computing"}])
    faces: list[EnrolledFace] = Field(
        description="The first faces, in the order of their enrolment; see `faces_total`"
    )
    faces_total: int = Field(description="Number of enrolled faces", examples=[1])
    faces_next_cursor: str | None = Field(
        description="Send it as `cursor` to the identity's `/faces` to get the next faces; null if all are"
        " listed"
    )
    photographs: PhotographGuidance = Field(description="How much the next photograph would help")
    created_at: datetime = Field(description="Time of creation")
    updated_at: datetime = Field(description="Time of the last change of external_id, name or metadata")

    @classmethod
    def fields_of(
        cls,
        gallery: str,
        identity: tables.Identity,
        faces: Sequence[tables.Face],
        total: int,
        person_score: str,
    ) -> dict[str, Any]:
        return {
            "id": identity.id,
            "gallery": gallery,
            "external_id": identity.external_id,
            "name": identity.name,
            "metadata": identity.details,
            "faces": [EnrolledFace.of(face) for face in faces],
            "faces_total": total,
            "faces_next_cursor": str(faces[-1].key) if faces and len(faces) < total else None,
            "photographs": PhotographGuidance.of(total, person_score),
            "created_at": identity.created_at,
            "updated_at": identity.updated_at,
        }

    @classmethod
    def of(
        cls,
        gallery: str,
        identity: tables.Identity,
        faces: Sequence[tables.Face],
        total: int,
        person_score: str,
    ) -> "Identity":
        return cls(**cls.fields_of(gallery, identity, faces, total, person_score))


class EnrolmentNotes(BaseModel):
    rejected: list[RejectedPicture] = Field(description="Pictures that were not enrolled, and why")
    warnings: list[EnrolmentWarning] = Field(
        description="Faces of the person that do not resemble the person's other faces, so that one of them"
        " may be mislabelled; the oddest first"
    )
    duplicates: list[Duplicate] = Field(
        description="People of the gallery whom a new face looks like, so that one person may be enrolled"
        " twice; the best first. Empty where the gallery's `duplicate_check` is `off`"
    )
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    change_number: int = Field(
        description="Number of the gallery's last change; an index that has applied it finds these faces"
    )

    @staticmethod
    def notes_of(enrolled: EnrolmentResult) -> dict[str, Any]:
        return {
            "rejected": RejectedPicture.list_of(enrolled.rejected),
            "warnings": [EnrolmentWarning.of(odd) for odd in enrolled.odd_faces],
            "duplicates": [Duplicate.of(found) for found in enrolled.duplicates],
            "model": enrolled.model,
            "change_number": enrolled.change_number,
        }


class IdentityCreated(Identity, EnrolmentNotes):
    pass


class FacesAdded(EnrolmentNotes):
    faces: list[EnrolledFace] = Field(description="The new faces")
    photographs: PhotographGuidance = Field(description="How much the next photograph would help")


class IdentityPage(BaseModel):
    identities: list[Identity] = Field(description="In the order of their creation")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
    total: int | None = Field(
        description="Number of all matching identities; null without `with_total`", examples=[100_000]
    )


class FacePage(BaseModel):
    faces: list[EnrolledFace] = Field(
        description="In the order of their enrolment; those that came from another identity last"
    )
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")


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
            identification=policy and Identification.of(policy),
            created_at=gallery.created_at,
        )


class GalleryPage(BaseModel):
    galleries: list[Gallery] = Field(description="In the order of their names")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
