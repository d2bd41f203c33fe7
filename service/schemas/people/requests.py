"""Bodies that enrol, change and name people. Those with pictures are an `UploadBody`."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from indexer.types import OnSeveralFaces
from service.requests.bodies import ImageBytes, JsonObject, UploadBody
from service.schemas.attributes import RequestedAttributes
from service.schemas.places import AllLandmarks, Boxes

SeveralFaces = Annotated[
    OnSeveralFaces,
    Field(
        description="`reject`: a picture of several faces is rejected with the code `several_faces`;"
        " `largest`: its largest face is used; `subject`: its largest face is used if it is clearly the"
        " picture's subject, much larger than the others and near the middle, and otherwise the picture is"
        " rejected"
    ),
]
AllowDuplicate = Annotated[
    bool,
    Field(
        description="Enrol although the person looks like another one of the gallery. The answer lists the"
        " other person in `duplicates`, and no review is made"
    ),
]


class IdentityNew(UploadBody):
    images: list[ImageBytes] = Field(default_factory=list, description="Photographs, one person each")
    external_id: str | None = Field(
        default=None, description="Your own id, unique in the gallery, 1 to 255 characters"
    )
    name: str | None = Field(default=None, description="1 to 255 characters")
    metadata: JsonObject = Field(default_factory=dict, description="Any JSON object, up to 16,384 bytes")
    anonymous: bool = Field(
        default=False,
        description="Nobody has said who this is; without a name and an external id. A name makes it a person"
        " later",
    )
    boxes: Boxes = Field(default_factory=list)
    landmarks: AllLandmarks = Field(default_factory=list)
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: AllowDuplicate = False
    attributes: RequestedAttributes = Field(default_factory=list)


class IdentityPut(UploadBody):
    """Omitted fields stay unchanged; null clears a field."""

    images: list[ImageBytes] = Field(
        default_factory=list, description="Photographs to add, one person each; enrolled ones stay"
    )
    name: str | None = Field(default=None, description="1 to 255 characters")
    metadata: JsonObject | None = Field(default=None, description="Any JSON object, up to 16,384 bytes")
    boxes: Boxes = Field(default_factory=list)
    landmarks: AllLandmarks = Field(default_factory=list)
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: AllowDuplicate = False
    attributes: RequestedAttributes = Field(default_factory=list)


class FacesNew(UploadBody):
    images: list[ImageBytes] = Field(min_length=1, description="Photographs, one person each")
    boxes: Boxes = Field(default_factory=list)
    landmarks: AllLandmarks = Field(default_factory=list)
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: AllowDuplicate = False
    attributes: RequestedAttributes = Field(default_factory=list)


class IdentityPatch(BaseModel):
    """Omitted fields stay unchanged; null clears a field."""

    model_config = {"extra": "forbid"}

    external_id: str | None = Field(
        default=None, description="Your own id, unique in the gallery, 1 to 255 characters", examples=["4711"]
    )
    name: str | None = Field(default=None, description="1 to 255 characters", examples=["Grace Hopper"])
    metadata: dict[str, Any] | None = Field(
        default=None,
        description="Any JSON object, up to 16,384 bytes; replaces the old one",
        examples=[{"department": "computing"}],
    )
    anonymous: bool | None = Field(
        default=None,
        description="Whether nobody has said who this is. A name or an external id ends it by itself; true is"
        " for an identity that has neither. null changes nothing",
        examples=[False],
    )
    hidden: bool | None = Field(
        default=None, description="Whether lists leave it out; null changes nothing", examples=[False]
    )
