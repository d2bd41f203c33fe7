"""Bodies of identify, search, verify and detect. Those with pictures are an `UploadBody`."""

from typing import Annotated

from pydantic import BaseModel, Field

from indexer.types import LivenessPolicy, OnSeveralFaces
from indexer.usecases.explain_pair import FACES
from service.requests.bodies import ImageBytes, UploadBody
from service.schemas.attributes import RequestedAttributes
from service.schemas.filters import Filter, FormFilter, Include
from service.schemas.people.requests import SeveralFaces
from service.schemas.places import OneBox, OneLandmarks

Threshold = Annotated[
    float | None,
    Field(
        ge=-1,
        le=1,
        description="Minimum score of a `matched` candidate; default: by the policy and the active"
        " calibration",
    ),
]
LARGEST_NUMBER = 2**63 - 1
"""The largest of PostgreSQL's bigint."""
MinChangeNumber = Annotated[
    int,
    Field(
        ge=0,
        le=LARGEST_NUMBER,
        description="`change_number` of an enrolment that the search must include; the request waits for"
        " it, and gets 503 `index_behind` if it does not arrive",
    ),
]


class Identify(UploadBody):
    image: ImageBytes
    box: OneBox = None
    landmarks: OneLandmarks = None
    max_faces: int = Field(default=1, ge=1, description="Maximum number of faces, the largest first")
    max_candidates: int = Field(default=5, ge=1, description="Maximum number of candidates per face")
    unique_identities: bool = Field(
        default=False,
        description="Each identity is a candidate of one face only, the most similar one. Off by default: a"
        " picture may show a person twice (a mirror, a badge, a collage)",
    )
    threshold: Threshold = None
    min_change_number: MinChangeNumber = 0
    remember: bool = Field(
        default=True,
        description="Whether a gallery with the policy `remember_unknown` remembers faces that match nobody."
        " With a `threshold` of its own or a `filter`, a request never makes it remember any",
    )
    filter: FormFilter = None
    include: Include = Field(default_factory=list)
    attributes: RequestedAttributes = Field(default_factory=list)


MAX_GALLERIES = 10


class IdentifyInSeveral(UploadBody):
    galleries: list[str] = Field(
        min_length=1,
        max_length=MAX_GALLERIES,
        description="Names, each once. Each gallery is searched with its own model, policy and size",
        examples=[["staff", "visitors"]],
    )
    image: ImageBytes
    box: OneBox = None
    landmarks: OneLandmarks = None
    max_faces: int = Field(default=1, ge=1, description="Maximum number of faces, the largest first")
    max_candidates: int = Field(
        default=5, ge=1, description="Maximum number of candidates per face and gallery"
    )
    unique_identities: bool = Field(
        default=False, description="Each identity is a candidate of one face only, the most similar one"
    )
    threshold: Threshold = None
    filter: FormFilter = None
    include: Include = Field(default_factory=list)
    attributes: RequestedAttributes = Field(default_factory=list)


class Search(BaseModel):
    model_config = {"extra": "forbid"}

    embedding: list[Annotated[float, Field(allow_inf_nan=False)]] = Field(
        max_length=4096,
        description="As the model gives it; it need not have length 1, only its direction counts",
    )
    model: str | None = Field(
        default=None,
        description="Fingerprint of the model that made it; any but the gallery's model is rejected",
    )
    max_candidates: int = Field(default=5, ge=1, description="Maximum number of candidates")
    threshold: Threshold = None
    min_change_number: MinChangeNumber = 0
    filter: Filter = None
    include: Include = Field(default_factory=list)


class VerifyPair(UploadBody):
    image_a: ImageBytes
    image_b: ImageBytes
    box_a: OneBox = None
    box_b: OneBox = None
    landmarks_a: OneLandmarks = None
    landmarks_b: OneLandmarks = None
    threshold: Threshold = None
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    attributes: RequestedAttributes = Field(default_factory=list)
    explain: bool = Field(
        default=False,
        description="Also which parts of the faces made the score, as maps over the faces. It takes as long"
        f" as embedding {FACES} faces, and counts as many",
    )
    liveness: LivenessPolicy = Field(
        default=LivenessPolicy.OFF,
        description="`report`: the answer has the attribute `liveness` of both faces. `reject`: it is also no"
        " match where one of them looks like a print or a screen, or cannot be judged. For the"
        " picture of a document, which is a print, take `report` and decide by the other face",
    )


class VerifyIdentity(UploadBody):
    image: ImageBytes
    box: OneBox = None
    landmarks: OneLandmarks = None
    threshold: Threshold = None
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    attributes: RequestedAttributes = Field(default_factory=list)


class Detect(UploadBody):
    image: ImageBytes
    box: OneBox = None
    landmarks: OneLandmarks = None
    max_faces: int | None = Field(
        default=None, ge=1, description="Maximum number of faces, the largest first; default: all"
    )
    attributes: RequestedAttributes = Field(default_factory=list)
