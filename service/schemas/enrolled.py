"""What is stored: galleries, identities, faces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.recognition.gate import Refused
from indexer.recognition.policy import Outlook
from indexer.records import models
from indexer.types import Box as FaceBox
from service.schemas import ID_EXAMPLE, MODEL_EXAMPLE
from service.schemas.faces import Box, Landmarks, Quality
from service.schemas.recognition import Threshold


class EnrolledFace(BaseModel):
    id: UUID
    box: Box = Field(description="In the photograph it came from")
    landmarks: Landmarks
    confidence: float
    quality: Quality
    image_sha256: str = Field(description="Of the file as it was sent, in hex")
    created_at: datetime

    @classmethod
    def of(cls, face: models.Face) -> "EnrolledFace":
        x, y, width, height = face.box
        return cls(
            id=face.id,
            box=Box.of(FaceBox(x=x, y=y, width=width, height=height)),
            landmarks=Landmarks.of(face.landmarks),
            confidence=round(face.confidence, 4),
            quality=Quality.from_components(face.quality, face.quality_components),
            image_sha256=bytes(face.image_sha256).hex(),
            created_at=face.created_at,
        )


class Refusal(BaseModel):
    """A picture that was not enrolled."""

    image: int = Field(description="Which of the pictures, from 0")
    code: str = Field(
        description="no_face_found, several_faces, face_too_small, face_blurred, quality_too_low,"
        " duplicate_image, or an error code of the picture itself",
        examples=["face_too_small"],
    )
    message: str
    measured: float | None = Field(default=None, description="The figure that was too low or too high")
    limit: float | None = None

    @classmethod
    def list_of(cls, refused: dict[int, Refused]) -> "list[Refusal]":
        return [
            cls(
                image=number,
                code=r.code,
                message=r.message,
                measured=r.details.get("measured"),
                limit=r.details.get("limit"),
            )
            for number, r in refused.items()
        ]


class Identity(BaseModel):
    id: UUID = Field(examples=[ID_EXAMPLE])
    gallery: str
    external_id: str | None
    name: str | None
    metadata: dict[str, Any]
    faces: list[EnrolledFace] = Field(description="In the order of their enrolment")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def fields_of(
        cls, gallery: str, identity: models.Identity, faces: Sequence[models.Face]
    ) -> dict[str, Any]:
        return {
            "id": identity.id,
            "gallery": gallery,
            "external_id": identity.external_id,
            "name": identity.name,
            "metadata": identity.details,
            "faces": [EnrolledFace.of(face) for face in faces],
            "created_at": identity.created_at,
            "updated_at": identity.updated_at,
        }

    @classmethod
    def of(cls, gallery: str, identity: models.Identity, faces: Sequence[models.Face]) -> "Identity":
        return cls(**cls.fields_of(gallery, identity, faces))


class EnrolmentNotes(BaseModel):
    refused: list[Refusal] = Field(description="Pictures that were not enrolled, and why")
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    change_number: int = Field(
        description="The gallery's last change; an index that has applied it finds these faces"
    )


class IdentityCreated(Identity, EnrolmentNotes):
    pass


class FacesAdded(EnrolmentNotes):
    faces: list[EnrolledFace] = Field(description="The new ones")


class IdentityPage(BaseModel):
    identities: list[Identity]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last")


class FaceList(BaseModel):
    faces: list[EnrolledFace]


class Identification(Threshold):
    """How a search in the gallery would be decided now."""

    supported_up_to_faces: int = Field(
        description="So large may the gallery grow before the policy is more than what was measured can"
        " vouch for; 0 where it is at any size"
    )

    @classmethod
    def of(cls, outlook: Outlook) -> "Identification":
        return cls(**cls.fields_of(outlook.decision), supported_up_to_faces=outlook.most_faces)


class Gallery(BaseModel):
    """With what identifies in it now, at its present size."""

    id: UUID
    name: str = Field(examples=["staff"])
    store_crops: bool
    identities: int = Field(description="People in it")
    faces: int = Field(description="Enrolled faces in it")
    change_number: int = Field(description="Number of its last change")
    identify_fpir: float | None = Field(
        description="Its policy: share of searches for strangers that may give a false alarm; null: as"
        " `GEMEL_IDENTIFY_FPIR` says"
    )
    identification: Identification | None = Field(
        description="The threshold in force at its present size, and what it means; null where its model"
        " cannot be opened here"
    )
    created_at: datetime

    @classmethod
    def of(cls, gallery: models.Gallery, identities: int, outlook: Outlook | None) -> "Gallery":
        return cls(
            id=gallery.id,
            name=gallery.name,
            store_crops=gallery.store_crops,
            identities=identities,
            faces=gallery.face_count,
            change_number=gallery.change_number,
            identify_fpir=gallery.identify_fpir,
            identification=outlook and Identification.of(outlook),
            created_at=gallery.created_at,
        )


class GalleryList(BaseModel):
    galleries: list[Gallery]
