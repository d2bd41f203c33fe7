"""Stored identities and their faces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.types import Box as FaceBox
from indexer.types import rotation_degrees
from indexer.usecases.answers import ID_EXAMPLE
from indexer.usecases.answers.enrolment import PhotographGuidance
from indexer.usecases.answers.faces import Box, Landmarks, Quality, RotationDegrees


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
    anonymous: bool = Field(
        description="Whether nobody has said who this is: a group of faces that resemble each other, or an"
        " unknown visitor. A name or an external id ends it",
        examples=[False],
    )
    hidden: bool = Field(
        description="Whether lists leave it out by default. Searches find it all the same",
        examples=[False],
    )
    last_seen_at: datetime | None = Field(
        description="Of an unknown visitor, the last search that matched it; null where there was none",
        examples=[None],
    )
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
    updated_at: datetime = Field(description="Time of the last change of a field above, except last_seen_at")

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
            "anonymous": identity.anonymous,
            "hidden": identity.hidden,
            "last_seen_at": identity.last_seen_at,
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


class IdentityPage(BaseModel):
    identities: list[Identity] = Field(description="In the requested `order`")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
    total: int | None = Field(
        description="Number of all matching identities; null without `with_total`", examples=[100_000]
    )


class FacePage(BaseModel):
    faces: list[EnrolledFace] = Field(
        description="In the order of their enrolment; those that came from another identity last"
    )
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
