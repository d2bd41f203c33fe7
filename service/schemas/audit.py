"""Events of the audit record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records.audit.rows import AuditRow, Head
from indexer.usecases.answers import ID_EXAMPLE

_HASH = "ae0daaca49d1fbcb014648450b4f9d1c0ca2a833678771b88026bdf563095561"


class AuditCaller(BaseModel):
    name: str = Field(description="Name of the API key, or the command line's user", examples=["front desk"])
    key_id: UUID | None = Field(
        description="Id of the API key; null: the bootstrap key, a command, the server"
    )
    address: str | None = Field(description="The client's network address", examples=["192.0.2.7"])


class AuditEvent(BaseModel):
    number: int = Field(description="Its place in the record, without gaps", examples=[4711])
    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    at: datetime = Field(description="When it was written; never before an earlier event")
    action: str = Field(description="`noun.verb`", examples=["identity.enrolled"])
    caller: AuditCaller = Field(description="Who did it")
    request_id: str | None = Field(description="`X-Request-Id` of the request")
    gallery: str | None = Field(description="The gallery's name at that time", examples=["staff"])
    identity_id: UUID | None = Field(description="The person; of a search, the first who matched")
    details: dict[str, Any] = Field(description="Ids and figures, by action")
    previous_hash: str = Field(description="Hash of the event before, in hexadecimal", examples=[_HASH])
    hash: str = Field(description="SHA-256 of the previous hash and of all other members", examples=[_HASH])

    @classmethod
    def of(cls, row: AuditRow) -> "AuditEvent":
        value = row.as_json()
        caller = AuditCaller(name=row.caller, key_id=row.key_id, address=row.address)
        return cls.model_validate(value | {"caller": caller})


class AuditPage(BaseModel):
    events: list[AuditEvent] = Field(description="The newest first")
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last page")


class AuditHead(BaseModel):
    number: int = Field(description="Number of the last event; 0: there is none", examples=[4711])
    hash: str = Field(description="Its hash, in hexadecimal", examples=[_HASH])
    at: datetime = Field(description="Its time")

    @classmethod
    def of(cls, head: Head) -> "AuditHead":
        return cls(number=head.number, hash=head.hash.hex(), at=head.at)
