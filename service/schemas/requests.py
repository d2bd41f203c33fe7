"""Bodies of requests. Those with pictures are an `UploadBody`."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from indexer.records.galleries import NAME_PATTERN
from indexer.settings import LEAST_RATE
from indexer.types import DuplicateCheck, OnSeveralFaces, PersonScore
from service.requests.bodies import ImageBytes, JsonObject, UploadBody

Threshold = Annotated[
    float | None,
    Field(
        ge=-1,
        le=1,
        description="Minimum score of a `matched` candidate; default: by the policy and the active"
        " calibration",
    ),
]
IdentifyFpir = Annotated[
    float | None,
    Field(
        ge=LEAST_RATE,
        lt=1,
        description="Share of searches for strangers that may give a false alarm; the threshold follows"
        " from it and the gallery's size. 409 `policy_unsupported` if no measurement supports it",
        examples=[0.001],
    ),
]
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


MinMatchFacePx = Annotated[
    float | None,
    Field(
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="Shorter side of a face's box, in pixels, below which it matches nobody; 0: no limit;"
        " null: `GEMEL_MIN_MATCH_FACE_PX`",
        examples=[24.0],
    ),
]
MinMatchSharpness = Annotated[
    float | None,
    Field(
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="Sharpness of a face (Laplacian energy over variance) below which it matches nobody; 0:"
        " no limit; null: `GEMEL_MIN_MATCH_SHARPNESS`",
        examples=[0.01],
    ),
]
MaxMatchMissRate = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Expected miss rate of a face above which it matches nobody; 1: no limit; null:"
        " `GEMEL_MAX_MATCH_MISS_RATE`. It has no effect where there is no quality network",
        examples=[0.75],
    ),
]


_PERSON_SCORE = (
    "Score of a person with several faces: `nearest`, that of the nearest face; `fused`, its mean with the"
    " score of the person template, the normalised mean of the faces"
)


_DUPLICATE_CHECK = (
    "What an enrolment does with a face that looks like another person of the gallery: `off`: nothing;"
    " `warn`: it lists the person in `duplicates`; `review`: it also puts the pair of people into the"
    " reviews; `reject`: 409 `duplicate_identity`, and nothing is stored"
)
DuplicateFpir = Annotated[
    float | None,
    Field(
        ge=LEAST_RATE,
        lt=1,
        description="Share of new people's faces that the duplicate check may take for somebody who is"
        " enrolled; its threshold follows from it and the gallery's size. null: a tenth of the FPIR of"
        " identification",
        examples=[0.001],
    ),
]
_KEEP_PROBES = (
    "Keep a crop of each identified face beside the audit record, so that an answer can be shown and repeated"
    " later. It is deleted with the person whom it matched, and with the events of its time. Without an audit"
    " record nothing is kept"
)


class GalleryNew(BaseModel):
    model_config = {"extra": "forbid"}

    name: str = Field(
        pattern=NAME_PATTERN,
        description="1 to 63 letters, digits, '.', '_' or '-'; clients use it in paths",
        examples=["staff"],
    )
    store_crops: bool = Field(
        default=True,
        description="Store a crop of each face, so that a later model needs no new photographs",
    )
    keep_probes: bool = Field(default=False, description=_KEEP_PROBES)
    identify_fpir: IdentifyFpir = None
    min_match_face_px: MinMatchFacePx = None
    min_match_sharpness: MinMatchSharpness = None
    max_match_miss_rate: MaxMatchMissRate = None
    person_score: PersonScore = Field(default=PersonScore.FUSED, description=_PERSON_SCORE)
    duplicate_check: DuplicateCheck = Field(default=DuplicateCheck.OFF, description=_DUPLICATE_CHECK)
    duplicate_fpir: DuplicateFpir = None


class GalleryPatch(BaseModel):
    """Omitted fields stay unchanged; null returns to the settings."""

    model_config = {"extra": "forbid"}

    keep_probes: bool | None = Field(default=None, description=f"{_KEEP_PROBES}; null changes nothing")
    identify_fpir: IdentifyFpir = None
    min_match_face_px: MinMatchFacePx = None
    min_match_sharpness: MinMatchSharpness = None
    max_match_miss_rate: MaxMatchMissRate = None
    person_score: PersonScore | None = Field(
        default=None,
        description=f"{_PERSON_SCORE}. The templates of a large gallery take a while; null changes nothing",
    )
    duplicate_check: DuplicateCheck | None = Field(
        default=None, description=f"{_DUPLICATE_CHECK}. null changes nothing"
    )
    duplicate_fpir: DuplicateFpir = None


class IdentityNew(UploadBody):
    images: list[ImageBytes] = Field(default_factory=list, description="Photographs, one person each")
    external_id: str | None = Field(
        default=None, description="Your own id, unique in the gallery, 1 to 255 characters"
    )
    name: str | None = Field(default=None, description="1 to 255 characters")
    metadata: JsonObject = Field(default_factory=dict, description="Any JSON object, up to 16,384 bytes")
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: AllowDuplicate = False


class IdentityPut(UploadBody):
    """Omitted fields stay unchanged; null clears a field."""

    images: list[ImageBytes] = Field(
        default_factory=list, description="Photographs to add, one person each; enrolled ones stay"
    )
    name: str | None = Field(default=None, description="1 to 255 characters")
    metadata: JsonObject | None = Field(default=None, description="Any JSON object, up to 16,384 bytes")
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: AllowDuplicate = False


class FacesNew(UploadBody):
    images: list[ImageBytes] = Field(min_length=1, description="Photographs, one person each")
    several_faces: SeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: AllowDuplicate = False


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


class Identify(UploadBody):
    image: ImageBytes
    max_faces: int = Field(default=1, ge=1, description="Maximum number of faces, the largest first")
    max_candidates: int = Field(default=5, ge=1, description="Maximum number of candidates per face")
    unique_identities: bool = Field(
        default=False,
        description="Each identity is a candidate of one face only, the most similar one. Off by default: a"
        " picture may show a person twice (a mirror, a badge, a collage)",
    )
    threshold: Threshold = None
    min_change_number: MinChangeNumber = 0


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


class VerifyPair(UploadBody):
    image_a: ImageBytes
    image_b: ImageBytes
    threshold: Threshold = None
    several_faces: SeveralFaces = OnSeveralFaces.REJECT


class VerifyIdentity(UploadBody):
    image: ImageBytes
    threshold: Threshold = None
    several_faces: SeveralFaces = OnSeveralFaces.REJECT


class Detect(UploadBody):
    image: ImageBytes
    max_faces: int | None = Field(
        default=None, ge=1, description="Maximum number of faces, the largest first; default: all"
    )
