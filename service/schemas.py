"""What comes in and what goes out, as the OpenAPI document shows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Field

from indexer.recognition.camera import SeenFace
from indexer.recognition.gate import Refused
from indexer.recognition.identify import Candidate as FoundCandidate
from indexer.recognition.identify import Identification
from indexer.recognition.verify import Verification
from indexer.records import models
from indexer.records.galleries import NAME_PATTERN
from indexer.types import Box as FaceBox
from indexer.types import Points
from indexer.types import Quality as FaceQuality
from service.bodies import ImageBytes, JsonObject, UploadBody

MODEL_EXAMPLE = "sface-362d7b7bf528"
ID_EXAMPLE = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"

Threshold = Annotated[
    float | None,
    Field(
        ge=-1,
        le=1,
        description="Score from which on a candidate is `matched`; default: the one in force",
    ),
]


class GalleryNew(BaseModel):
    model_config = {"extra": "forbid"}

    name: str = Field(
        pattern=NAME_PATTERN,
        description="1 to 63 letters, digits, '.', '_' or '-'; clients use it in paths",
        examples=["staff"],
    )
    store_crops: bool = Field(
        default=True,
        description="Keep a crop of each face, so that a later model needs no new photographs",
    )


class IdentityNew(UploadBody):
    images: list[ImageBytes] = Field(default_factory=list, description="Photographs, one person each")
    external_id: str | None = Field(
        default=None, description="Your own id, unique in the gallery, 1 to 255 characters"
    )
    name: str | None = Field(default=None, description="1 to 255 characters")
    metadata: JsonObject = Field(default_factory=dict, description="Any JSON object, up to 16,384 bytes")
    take_largest: bool = Field(
        default=False, description="In photographs of several faces take the largest, rather than refuse"
    )


class FacesNew(UploadBody):
    images: list[ImageBytes] = Field(min_length=1, description="Photographs, one person each")
    take_largest: bool = Field(
        default=False, description="In photographs of several faces take the largest, rather than refuse"
    )


class IdentityPatch(BaseModel):
    """Fields that are left out stay as they are; null empties."""

    model_config = {"extra": "forbid"}

    external_id: str | None = None
    name: str | None = None
    metadata: dict[str, Any] | None = None


class Identify(UploadBody):
    image: ImageBytes
    max_faces: int = Field(default=1, ge=1, description="So many faces, the largest first")
    max_candidates: int = Field(default=5, ge=1, description="So many people for each face")
    threshold: Threshold = None


class VerifyPair(UploadBody):
    image_a: ImageBytes
    image_b: ImageBytes
    threshold: Threshold = None


class VerifyIdentity(UploadBody):
    image: ImageBytes
    threshold: Threshold = None


class Detect(UploadBody):
    image: ImageBytes
    max_faces: int | None = Field(default=None, ge=1, description="So many, the largest first; default: all")


class Box(BaseModel):
    """Pixels of the upright picture; the corner may lie outside of it."""

    model_config = {
        "json_schema_extra": {"examples": [{"x": 178.0, "y": 63.6, "width": 90.5, "height": 111.9}]}
    }

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def of(cls, box: FaceBox) -> "Box":
        return cls(**{side: round(getattr(box, side), 1) for side in ("x", "y", "width", "height")})


class Landmarks(BaseModel):
    """[x, y] in pixels of the upright picture; left and right as the viewer sees them."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "left_eye": [200.3, 101.7],
                    "right_eye": [246.2, 102.7],
                    "nose": [219.6, 124.0],
                    "mouth_left": [199.0, 142.5],
                    "mouth_right": [238.6, 143.2],
                }
            ]
        }
    }

    left_eye: list[float]
    right_eye: list[float]
    nose: list[float]
    mouth_left: list[float]
    mouth_right: list[float]

    @classmethod
    def of(cls, points: Points | Sequence[float]) -> "Landmarks":
        pairs = np.round(np.asarray(points, np.float64).reshape(5, 2), 1).tolist()
        return cls(**dict(zip(cls.model_fields, pairs, strict=True)))


class Quality(BaseModel):
    """0 to 100 each; the score is the worst component."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"score": 88.7, "size": 100.0, "sharpness": 92.4, "exposure": 100.0, "pose": 88.7}]
        }
    }

    score: float
    size: float
    sharpness: float
    exposure: float
    pose: float

    @classmethod
    def of(cls, quality: FaceQuality) -> "Quality":
        return cls.from_components(quality.score, quality.components())

    @classmethod
    def from_components(cls, score: float, components: dict[str, float]) -> "Quality":
        return cls(score=round(score, 1), **{k: round(v, 1) for k, v in components.items()})


class SeenFaceOut(BaseModel):
    box: Box
    landmarks: Landmarks
    confidence: float = Field(description="The detector's, 0 to 1")
    quality: Quality

    @classmethod
    def fields_of(cls, seen: SeenFace) -> dict[str, Any]:
        return {
            "box": Box.of(seen.face.box),
            "landmarks": Landmarks.of(seen.face.landmarks),
            "confidence": round(seen.face.confidence, 4),
            "quality": Quality.of(seen.quality),
        }


class IdentityRef(BaseModel):
    id: UUID = Field(examples=[ID_EXAMPLE])
    external_id: str | None = Field(examples=["4711"])
    name: str | None = Field(examples=["Grace Hopper"])


class Candidate(BaseModel):
    identity: IdentityRef
    score: float = Field(description="Cosine similarity, -1 to 1; 1 is the same picture", examples=[0.6412])
    distance: float = Field(
        description="Euclidean distance of the same two embeddings, 0 to 2: sqrt(2 - 2 score)",
        examples=[0.8471],
    )
    matched: bool = Field(description="Whether the score reaches the threshold")
    face_id: UUID = Field(description="The enrolled face that came nearest")

    @classmethod
    def of(cls, candidate: FoundCandidate) -> "Candidate":
        owner = candidate.owner
        return cls(
            identity=IdentityRef(id=owner.identity_id, external_id=owner.external_id, name=owner.name),
            score=round(candidate.score, 6),
            distance=round(candidate.distance, 6),
            matched=candidate.matched,
            face_id=owner.face_id,
        )


class ProbeFace(SeenFaceOut):
    candidates: list[Candidate] = Field(description="Best first, each identity once")


class IdentifyAnswer(BaseModel):
    faces: list[ProbeFace] = Field(description="The largest first; empty where no face was found")
    faces_found: int = Field(description="How many faces the picture has, asked for or not")
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    gallery_size: int = Field(description="Enrolled faces that were searched")
    threshold: float = Field(description="The one in force for this answer", examples=[0.4346])
    timings_ms: dict[str, float] = Field(
        description="Milliseconds of each stage: wait (for others), decode, detect, align, embed, index,"
        " search, database, total",
        examples=[{"decode": 3.1, "detect": 11.2, "align": 0.4, "embed": 27.9, "total": 44.0}],
    )

    @classmethod
    def of(cls, identification: Identification) -> "IdentifyAnswer":
        return cls(
            faces=[
                ProbeFace(
                    **SeenFaceOut.fields_of(face.seen),
                    candidates=[Candidate.of(candidate) for candidate in face.candidates],
                )
                for face in identification.faces
            ],
            faces_found=identification.found,
            model=identification.model,
            gallery_size=identification.gallery_size,
            threshold=round(identification.threshold, 6),
            timings_ms=rounded(identification.timings_ms),
        )


class VerifyAnswer(BaseModel):
    score: float = Field(description="Cosine similarity, -1 to 1")
    distance: float = Field(description="Euclidean distance, 0 to 2")
    matched: bool = Field(description="Whether the score reaches the threshold")
    threshold: float
    model: str = Field(examples=[MODEL_EXAMPLE])
    faces: list[SeenFaceOut] = Field(description="The face of each picture that was compared")
    face_id: UUID | None = Field(
        description="The identity's face that came nearest; null between two pictures"
    )
    timings_ms: dict[str, float]

    @classmethod
    def of(cls, verification: Verification) -> "VerifyAnswer":
        return cls(
            score=round(verification.score, 6),
            distance=round(verification.distance, 6),
            matched=verification.matched,
            threshold=round(verification.threshold, 6),
            model=verification.model,
            faces=[SeenFaceOut(**SeenFaceOut.fields_of(seen)) for seen in verification.seen],
            face_id=verification.face_id,
            timings_ms=rounded(verification.timings_ms),
        )


class DetectAnswer(BaseModel):
    faces: list[SeenFaceOut] = Field(description="The largest first")
    faces_found: int
    width_px: int = Field(description="Of the upright picture")
    height_px: int
    timings_ms: dict[str, float]


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


class Gallery(BaseModel):
    id: UUID
    name: str = Field(examples=["staff"])
    store_crops: bool
    identities: int = Field(description="People in it")
    faces: int = Field(description="Enrolled faces in it")
    change_number: int = Field(description="Number of its last change")
    created_at: datetime

    @classmethod
    def of(cls, gallery: models.Gallery, identities: int) -> "Gallery":
        return cls(
            id=gallery.id,
            name=gallery.name,
            store_crops=gallery.store_crops,
            identities=identities,
            faces=gallery.face_count,
            change_number=gallery.change_number,
            created_at=gallery.created_at,
        )


class GalleryList(BaseModel):
    galleries: list[Gallery]


class Model(BaseModel):
    name: str = Field(examples=["sface"])
    fingerprint: str = Field(examples=[MODEL_EXAMPLE])
    dimension: int
    template: str = Field(description="The alignment it wants")
    mirror: bool = Field(description="Whether the mirror image is embedded too and the mean taken")
    licence: str
    source: str
    active: bool = Field(description="Whether this service embeds with it")


class ModelList(BaseModel):
    models: list[Model]


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    status: str = Field(examples=["ready"])
    model: str
    galleries: int
    faces: int


def rounded(timings: dict[str, float]) -> dict[str, float]:
    return {stage: round(milliseconds, 3) for stage, milliseconds in timings.items()}
