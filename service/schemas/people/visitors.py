"""Unknown visitors."""

from pydantic import BaseModel, Field

from service.schemas.people.identities import Identity


class VisitorPage(BaseModel):
    visitors: list[Identity] = Field(description="The one who was seen last first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
    total: int = Field(description="Number of all visitors", examples=[128])


class Forgotten(BaseModel):
    forgotten: int = Field(description="Number of visitors that were deleted", examples=[128])
