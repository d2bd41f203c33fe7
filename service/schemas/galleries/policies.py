"""Policies of a gallery: the bodies that set them."""

from typing import Annotated

from pydantic import BaseModel, Field

from indexer.records.galleries import NAME_PATTERN
from indexer.records.tables.galleries import MAX_VISITOR_FACES, MAX_VISITORS, VISITOR_LIFETIME_HOURS
from indexer.settings import LEAST_RATE
from indexer.types import Attribute, DuplicateCheck, LivenessPolicy, PersonScore

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
_PERSON_SCORE = (
    "Score of a person with several faces: `nearest`, that of the nearest face; `fused`, its mean with the"
    " score of the person template, the normalised mean of the faces"
)
_DUPLICATE_CHECK = (
    "What an enrolment does with a face that looks like another person of the gallery: `off`: nothing;"
    " `warn`: it lists the person in `duplicates`; `review`: it also puts the pair of people into the"
    " reviews; `reject`: 409 `duplicate_identity`, and nothing is stored"
)
_KEEP_PROBES = (
    "Keep a crop of each identified face beside the audit record, so that an answer can be shown and repeated"
    " later. It is deleted with the person whom it matched, and with the events of its time. Without an audit"
    " record nothing is kept"
)
_REMEMBER_UNKNOWN = (
    "Remember faces that match nobody as anonymous identities, so that the next search recognises them as"
    " somebody who was here before. This stores biometric data of people who did not agree to it: see"
    " `how-to/visitors`"
)
MinVisitorQuality = Annotated[
    float | None,
    Field(
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="Least quality score of a face that is remembered, beside the limits of enrolment; null:"
        " these alone",
        examples=[50.0],
    ),
]
_LIFETIME = "Hours after which a visitor who was not seen again is forgotten"
_MAX_VISITORS = (
    "Most visitors that are remembered; a further one takes the place of the one who was not seen for the"
    " longest time"
)
_MAX_FACES = "Most faces that are remembered of one visitor"
PermittedAttributes = Annotated[
    list[Attribute] | None,
    Field(
        max_length=len(Attribute),
        description="Attributes of a face that requests for this gallery may ask for, among those that the"
        " installation permits; an empty list: none; null: all of those (`GEMEL_ATTRIBUTES`)",
        examples=[["liveness", "quality"]],
    ),
]
_LIVENESS = (
    "What to do about prints and screens that show a person. `report`: the answers of identify, verify and"
    " enrolment have the attribute `liveness` of each face. `reject`: such a face, and one that"
    " cannot be judged, also matches nobody and is not enrolled. It needs the weights of liveness (`gemel"
    " models list`). It judges a single picture: it does not detect masks, videos that are injected, or good"
    " replays"
)
_LONGEST_HOURS, _MOST, _MOST_FACES = 876_000, 10_000_000, 100


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
    remember_unknown: bool = Field(default=False, description=_REMEMBER_UNKNOWN)
    min_visitor_quality: MinVisitorQuality = None
    visitor_lifetime_hours: float = Field(
        default=VISITOR_LIFETIME_HOURS,
        gt=0,
        le=_LONGEST_HOURS,
        allow_inf_nan=False,
        description=_LIFETIME,
    )
    max_visitors: int = Field(default=MAX_VISITORS, gt=0, le=_MOST, description=_MAX_VISITORS)
    max_visitor_faces: int = Field(default=MAX_VISITOR_FACES, gt=0, le=_MOST_FACES, description=_MAX_FACES)
    attributes: PermittedAttributes = None
    liveness: LivenessPolicy = Field(default=LivenessPolicy.OFF, description=_LIVENESS)


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
    remember_unknown: bool | None = Field(
        default=None, description=f"{_REMEMBER_UNKNOWN}. null changes nothing"
    )
    min_visitor_quality: MinVisitorQuality = None
    visitor_lifetime_hours: float | None = Field(
        default=None,
        gt=0,
        le=_LONGEST_HOURS,
        allow_inf_nan=False,
        description=f"{_LIFETIME}; null changes nothing",
    )
    max_visitors: int | None = Field(
        default=None, gt=0, le=_MOST, description=f"{_MAX_VISITORS}; null changes nothing"
    )
    max_visitor_faces: int | None = Field(
        default=None, gt=0, le=_MOST_FACES, description=f"{_MAX_FACES}; null changes nothing"
    )
    attributes: PermittedAttributes = None
    liveness: LivenessPolicy | None = Field(
        default=None, description=f"{_LIVENESS}; null changes nothing", examples=["report"]
    )
