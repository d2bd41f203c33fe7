"""Answers about the caller."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.access.grant import Grant
from indexer.access.roles import Permission
from indexer.usecases.answers import ID_EXAMPLE
from service.schemas.keys import FacesPerSecond, Galleries, MaxConcurrent, RequestsPerSecond


class Session(BaseModel):
    name: str = Field(description="Name of the API key", examples=["door camera 3"])
    key_id: UUID | None = Field(
        description="Id of the API key; null for `GEMEL_API_KEY`, and where no key is required",
        examples=[ID_EXAMPLE],
    )
    signed_in_by: Literal["cookie", "key", "nothing"] = Field(
        description="Credential of this request; `nothing` where no key is required"
    )
    sign_in_required: bool = Field(description="Whether requests need an API key or a cookie")
    permissions: list[Permission] = Field(description="What the caller may do", examples=[["identify"]])
    galleries: Galleries = None
    requests_per_second: RequestsPerSecond = None
    faces_per_second: FacesPerSecond = None
    max_concurrent: MaxConcurrent = None
    expires_at: datetime | None = Field(
        description="When the session ends, or the key expires, whichever is first; null: never"
    )
    idle_seconds: float | None = Field(
        description="The session ends after this number of seconds without a request; null: no session",
        examples=[3600.0],
    )
    csrf_token: str | None = Field(
        description="With the cookie, send it as `X-CSRF-Token` in each request that changes something;"
        " null: not needed",
        examples=[8 * "0f1e2d3c"],
    )
    version: str = Field(description="Version of the server", examples=["1.0.0"])

    @classmethod
    def of(
        cls,
        grant: Grant,
        *,
        signed_in_by: Literal["cookie", "key", "nothing"],
        version: str,
        seconds_left: float | None = None,
        idle: timedelta | None = None,
        csrf_token: str | None = None,
    ) -> "Session":
        """`seconds_left`, `idle` and `csrf_token`: only of a session."""
        ends = [grant.expires_at] if grant.expires_at is not None else []
        if seconds_left is not None:
            ends.append(datetime.now(UTC) + timedelta(seconds=seconds_left))
        patterns = grant.galleries.patterns
        return cls(
            name=grant.name,
            key_id=grant.key_id,
            signed_in_by=signed_in_by,
            sign_in_required=signed_in_by != "nothing",
            permissions=sorted(grant.permissions),
            galleries=None if patterns is None else list(patterns),
            requests_per_second=grant.limits.requests_per_second,
            faces_per_second=grant.limits.faces_per_second,
            max_concurrent=grant.limits.max_concurrent,
            expires_at=min(ends, default=None),
            idle_seconds=None if idle is None else idle.total_seconds(),
            csrf_token=csrf_token,
            version=version,
        )
