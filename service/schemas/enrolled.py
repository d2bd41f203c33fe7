"""What is stored: galleries, identities, faces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Field

from indexer.calibration.policy import PolicyStatus
from indexer.records import tables
from indexer.types import Box as FaceBox
from indexer.types import rotation_degrees
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE
from indexer.usecases.answers.decision import Threshold
from indexer.usecases.answers.faces import Box, Landmarks, Quality, RotationDegrees
from indexer.usecases.quality_gate import Rejection


class EnrolledFace(BaseModel):
    id: UUID = Field(description="Given by Gemel")
    box: Box = Field(description="In the photograph it came from")
    landmarks: Landmarks = Field(description="Its five points, in the photograph it came from")
    rotation_degrees: RotationDegrees
    confidence: float = Field(description="The detector's, 0 to 1", examples=[0.9294])
    quality: Quality = Field(description="How fit it is to be recognised")
    image_sha256: str = Field(examples=["5f1a" * 16], description="Of the file as it was sent, in hex")
    created_at: datetime = Field(description="When it was enrolled")

    @classmethod
    def of(cls, face: tables.Face) -> "EnrolledFace":
        x, y, width, height = face.box
        return cls(
            id=face.id,
            box=Box.of(FaceBox(x=x, y=y, width=width, height=height)),
            landmarks=Landmarks.of(face.landmarks),
            rotation_degrees=rotation_degrees(np.array(face.landmarks, np.float32).reshape(5, 2)),
            confidence=round(face.confidence, 4),
            quality=Quality.from_components(face.quality, face.quality_components),
            image_sha256=bytes(face.image_sha256).hex(),
            created_at=face.created_at,
        )


class RejectedPicture(BaseModel):
    """A picture that was not enrolled."""

    image: int = Field(description="Which of the pictures, from 0")
    code: str = Field(
        description="no_face_found, several_faces, face_too_small, face_blurred, quality_too_low,"
        " duplicate_image, or an error code of the picture itself",
        examples=["face_too_small"],
    )
    message: str = Field(
        description="The reason, for people",
        examples=["the face is too small: pixels 17.2, at least 28 is required"],
    )
    measured: float | None = Field(
        examples=[17.2], default=None, description="The figure that was too low or too high"
    )
    limit: float | None = Field(default=None, description="The figure's limit", examples=[28.0])

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
    id: UUID = Field(description="Given by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="The gallery it is in", examples=["staff"])
    external_id: str | None = Field(
        description="Your own id, unique in the gallery; null where there is none", examples=["4711"]
    )
    name: str | None = Field(description="Null where there is none", examples=["Grace Hopper"])
    metadata: dict[str, Any] = Field(description="As you sent it", examples=[{"department": "computing"}])
    faces: list[EnrolledFace] = Field(
        description="In the order of their enrolment; of many the first, see `faces_total`"
    )
    faces_total: int = Field(description="How many there are", examples=[1])
    faces_next_cursor: str | None = Field(
        description="Send it as `cursor` to the identity's `/faces` for those that follow; null where all are"
        " here"
    )
    created_at: datetime = Field(description="When it was made")
    updated_at: datetime = Field(description="When its external_id, name or metadata last changed")

    @classmethod
    def fields_of(
        cls, gallery: str, identity: tables.Identity, faces: Sequence[tables.Face], total: int
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
            "created_at": identity.created_at,
            "updated_at": identity.updated_at,
        }

    @classmethod
    def of(
        cls, gallery: str, identity: tables.Identity, faces: Sequence[tables.Face], total: int
    ) -> "Identity":
        return cls(**cls.fields_of(gallery, identity, faces, total))


class EnrolmentNotes(BaseModel):
    rejected: list[RejectedPicture] = Field(description="Pictures that were not enrolled, and why")
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
    identities: list[Identity] = Field(description="In the order of their making")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last")


class FacePage(BaseModel):
    faces: list[EnrolledFace] = Field(description="In the order of their enrolment")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last")


class Identification(Threshold):
    """How a search in the gallery would be decided now."""

    supported_up_to_faces: int = Field(
        description="So large may the gallery grow before the policy is more than what was measured can"
        " vouch for; 0 where it is at any size"
    )

    @classmethod
    def of(cls, policy: PolicyStatus) -> "Identification":
        return cls(**cls.fields_of(policy.decision), supported_up_to_faces=policy.most_faces)


class Gallery(BaseModel):
    """With what identifies in it now, at its present size."""

    id: UUID = Field(description="Given by Gemel")
    name: str = Field(description="What clients use in paths", examples=["staff"])
    store_crops: bool = Field(
        description="Whether a crop of each face is kept, for a later model", examples=[True]
    )
    identities: int = Field(description="People in it")
    faces: int = Field(description="Enrolled faces in it")
    change_number: int = Field(description="Number of its last change")
    identify_fpir: float | None = Field(
        description="Its policy: share of searches for strangers that may give a false alarm; null: as"
        " `GEMEL_IDENTIFY_FPIR` says"
    )
    min_match_face_px: float | None = Field(
        description="Its policy: smaller faces of a photograph are matched to nobody; 0: no limit; null: as"
        " `GEMEL_MIN_MATCH_FACE_PX` says"
    )
    min_match_sharpness: float | None = Field(
        description="Its policy: more blurred faces of a photograph are matched to nobody; 0: no limit; null:"
        " as `GEMEL_MIN_MATCH_SHARPNESS` says"
    )
    identification: Identification | None = Field(
        description="The threshold at its present size, and what it means; null where its model"
        " cannot be opened here"
    )
    created_at: datetime = Field(description="When it was made")

    @classmethod
    def of(cls, gallery: tables.Gallery, identities: int, policy: PolicyStatus | None) -> "Gallery":
        return cls(
            id=gallery.id,
            name=gallery.name,
            store_crops=gallery.store_crops,
            identities=identities,
            faces=gallery.face_count,
            change_number=gallery.change_number,
            identify_fpir=gallery.identify_fpir,
            min_match_face_px=gallery.min_match_face_px,
            min_match_sharpness=gallery.min_match_sharpness,
            identification=policy and Identification.of(policy),
            created_at=gallery.created_at,
        )


class GalleryPage(BaseModel):
    galleries: list[Gallery] = Field(description="In the order of their names")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last")
