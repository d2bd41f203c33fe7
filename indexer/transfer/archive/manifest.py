"""The manifest of an export. It is written last: files without it are an export that was interrupted."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from indexer.errors import ArchiveInvalid, ArchiveVersionUnknown
from indexer.types import PersonScore

FORMAT = "gemel-gallery"
VERSION = 1
"""Raised when older programs would misread an export. They reject it then."""
NAME = "manifest.json"
MAX_MANIFEST_BYTES = 16_000_000
MAX_FILES = 60_000
"""Of 40 million faces."""
MAX_ELEMENTS = 500_000
"""Limit for the commas and brackets of a manifest, each: a parser makes an object of some 100 bytes of every
element."""
MAX_FILE_BYTES = 256_000_000
"""Of each file: it is read at once."""
MAX_DIMENSION = 8_192

FILE_PATTERN = re.compile(r"(identities|faces|distinct)-\d{6}\.ndjson|vectors-\d{6}\.f32|crops-\d{6}\.bin")
"""Names of the files. They have no folder, so that none can lead anywhere."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


def _in_range(value: datetime) -> datetime:
    """PostgreSQL and Python agree on these years in every time zone."""
    if not 1900 <= value.year <= 9000:
        raise ValueError("the year must be 1900 to 9000")
    return value


Time = Annotated[AwareDatetime, AfterValidator(_in_range)]


class File(Strict):
    name: str = Field(pattern=f"^(?:{FILE_PATTERN.pattern})$")
    bytes: int = Field(ge=0, le=MAX_FILE_BYTES)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    rows: int = Field(ge=0, le=1_000_000)
    """Lines, vectors or crops."""

    @property
    def kind(self) -> str:
        return self.name.partition("-")[0]

    @property
    def number(self) -> int:
        return int(self.name.partition("-")[2].partition(".")[0])


class Change(Strict):
    number: int
    token: UUID


class ExportedGallery(Strict):
    id: UUID
    name: str = Field(max_length=63)
    created_at: Time
    last_change: Change
    """The export has all that was enrolled up to this change, and nothing that was enrolled after it."""


class ExportedModel(Strict):
    fingerprint: str = Field(min_length=1, max_length=255)
    name: str | None = Field(max_length=1_000)
    dimension: int = Field(ge=1, le=MAX_DIMENSION)
    mirror: bool | None


class ExportedCalibration(Strict):
    source: Literal["gallery", "photographs", "pairs"]
    person_score: PersonScore
    parameters: dict[str, Any]
    created_at: Time


class Counts(Strict):
    identities: int = Field(ge=0)
    faces: int = Field(ge=0)
    crops: int = Field(ge=0)
    distinct_pairs: int = Field(ge=0)
    bytes: int = Field(ge=0)
    """Of all files but the manifest."""


class Manifest(Strict):
    format: Literal["gemel-gallery"]
    version: Literal[1]
    gemel: str = Field(max_length=100)
    """Version of the program that wrote it."""
    created_at: Time
    gallery: ExportedGallery
    policy: dict[str, JsonValue]
    model: ExportedModel | None
    """None: no face was ever enrolled."""
    calibrations: list[ExportedCalibration] = Field(max_length=10)
    counts: Counts
    files: list[File] = Field(max_length=MAX_FILES)


class _Version(BaseModel):
    format: Literal["gemel-gallery"]
    version: int


def parse(data: bytes) -> Manifest:
    """Raises ArchiveInvalid, ArchiveVersionUnknown."""
    if max(data.count(sign) for sign in (b",", b"[", b"{")) > MAX_ELEMENTS:
        raise ArchiveInvalid(f"{NAME} has more than {MAX_ELEMENTS} elements", file=NAME)
    if has_nul(data):
        raise ArchiveInvalid(f"{NAME} contains NUL", file=NAME)
    try:
        found = _Version.model_validate_json(data)
    except (ValidationError, ValueError, RecursionError):
        raise ArchiveInvalid(f"{NAME} is not that of an exported gallery", file=NAME) from None
    if found.version != VERSION:
        raise ArchiveVersionUnknown(
            f"the export has version {found.version} of the format, and this program reads version {VERSION}",
            version=found.version,
            readable=[VERSION],
        )
    try:
        manifest = Manifest.model_validate_json(data)
    except (ValidationError, ValueError, RecursionError) as error:
        raise ArchiveInvalid(f"{NAME}: {first_problem(error)}", file=NAME) from None
    names = [file.name for file in manifest.files]
    if len(set(names)) < len(names):
        raise ArchiveInvalid(f"{NAME} names a file twice", file=NAME)
    return manifest


def has_nul(data: bytes) -> bool:
    """Whether a text of the JSON has the character NUL, which PostgreSQL cannot store."""
    return b"\\u0000" in data and b"\\u0000" in data.replace(b"\\\\", b"")


def first_problem(error: Exception) -> str:
    """Of a line or a manifest, without the values in it."""
    if not isinstance(error, ValidationError):
        return "it is not JSON"
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
