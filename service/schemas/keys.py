"""Bodies of requests about API keys, and their answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.access import keys
from indexer.access.galleries import MAX_PATTERNS
from indexer.access.key_limits.limits import MAX_CONCURRENT, MAX_RATE, MIN_RATE, KeyLimits
from indexer.access.roles import Role
from indexer.records import tables
from indexer.usecases.answers import ID_EXAMPLE
from service.requests.times import UtcTime

_RATES = {"ge": MIN_RATE, "le": MAX_RATE}
RequestsPerSecond = Annotated[
    float | None, Field(**_RATES, description="Limit of requests a second, in all processes; null: none")
]
FacesPerSecond = Annotated[
    float | None, Field(**_RATES, description="Limit of faces a second, in all processes; null: none")
]
MaxConcurrent = Annotated[
    int | None, Field(ge=1, le=MAX_CONCURRENT, description="Limit of requests at once; null: none")
]
Galleries = Annotated[
    list[Annotated[str, Field(max_length=64)]] | None,
    Field(
        min_length=1,
        max_length=MAX_PATTERNS,
        description="Names of galleries, and prefixes that end in `*`; null: every gallery",
        examples=[["staff", "visitors-*"]],
    ),
]


class KeyNew(BaseModel):
    model_config = {"extra": "forbid"}

    name: str = Field(description="Who uses the key, and where", examples=["door camera 3"])
    roles: list[Role] = Field(min_length=1, max_length=len(Role), description="Roles of the key")
    galleries: Galleries = None
    expires_at: UtcTime | None = Field(
        default=None, description="When it expires; null: never", examples=["2030-01-31T00:00:00Z"]
    )
    requests_per_second: RequestsPerSecond = None
    faces_per_second: FacesPerSecond = None
    max_concurrent: MaxConcurrent = None

    def new(self) -> keys.NewKey:
        return keys.NewKey(
            name=self.name,
            roles=self.roles,
            galleries=self.galleries,
            expires_at=self.expires_at,
            limits=KeyLimits(
                requests_per_second=self.requests_per_second,
                faces_per_second=self.faces_per_second,
                max_concurrent=self.max_concurrent,
            ),
        )


class KeyPatch(BaseModel):
    """Omitted limits stay unchanged; null removes a limit."""

    model_config = {"extra": "forbid"}

    requests_per_second: RequestsPerSecond = None
    faces_per_second: FacesPerSecond = None
    max_concurrent: MaxConcurrent = None


class Rotation(BaseModel):
    model_config = {"extra": "forbid"}

    overlap_seconds: float = Field(
        default=keys.DEFAULT_OVERLAP_SECONDS,
        ge=0,
        le=keys.MAX_OVERLAP_SECONDS,
        description="How long the present key stays valid. The one before it ends at once",
    )


class Key(BaseModel):
    id: UUID = Field(description="Id of the key", examples=[ID_EXAMPLE])
    name: str = Field(description="Who uses the key, and where", examples=["door camera 3"])
    prefix: str = Field(description="The key's text begins with `gemel_` and this", examples=["5d41402abc4b"])
    state: Literal["active", "expired", "revoked"] = Field(description="Only an active key is accepted")
    roles: list[str] = Field(description="Roles of the key", examples=[["identify"]])
    galleries: Galleries = None
    requests_per_second: RequestsPerSecond = None
    faces_per_second: FacesPerSecond = None
    max_concurrent: MaxConcurrent = None
    created_at: datetime = Field(description="When it was created")
    expires_at: datetime | None = Field(description="When it expires; null: never")
    rotated_at: datetime | None = Field(description="When its secret was last replaced")
    previous_expires_at: datetime | None = Field(
        description="When the secret before the last rotation ends, or ended"
    )
    revoked_at: datetime | None = Field(description="When it was revoked")
    last_used_at: datetime | None = Field(description="When it was last used, to the minute")

    @classmethod
    def fields_of(cls, row: tables.ApiKey) -> dict[str, object]:
        names = cls.model_fields.keys() - {"state", "key"}
        return {name: getattr(row, name) for name in names} | {"state": keys.state(row)}

    @classmethod
    def of(cls, row: tables.ApiKey) -> "Key":
        return cls.model_validate(cls.fields_of(row))


class KeyIssued(Key):
    key: str = Field(
        description="The text that clients send. It cannot be shown again: only its hash is stored",
        examples=["gemel_5d41402abc4b_" + 8 * "0f1e2d3c"],
    )

    @classmethod
    def issued(cls, issued: keys.IssuedKey) -> "KeyIssued":
        return cls.model_validate(cls.fields_of(issued.row) | {"key": issued.text})


class KeyPage(BaseModel):
    keys: list[Key] = Field(description="Keys that allow nothing beyond your own key")
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one")
