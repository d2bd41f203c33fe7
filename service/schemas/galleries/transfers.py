"""Transfers: answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.records.transfer.files import Missing
from indexer.usecases.answers import ID_EXAMPLE


class TransferFigures(BaseModel):
    """Progress of the step; at the end, what was imported."""

    done: int = Field(default=0, description="Faces that are checked or imported", examples=[2_430])
    faces: int = Field(default=0, description="Faces of the export", examples=[2_430])
    identities_created: int = Field(default=0, description="People who were added", examples=[812])
    identities_there: int = Field(default=0, description="People who were in the gallery already")
    identities_joined: int = Field(
        default=0, description="People whose faces went to the person with their external id"
    )
    new_ids: int = Field(default=0, description="People with another id, as another gallery has theirs")
    faces_added: int = Field(default=0, description="Faces that were added", examples=[2_430])
    faces_there: int = Field(default=0, description="Faces that were in the gallery already")
    faces_without_person: int = Field(
        default=0, description="Faces of people who were deleted while the import ran"
    )
    distinct_pairs: int = Field(default=0, description="Pairs of people who are known to be different")
    calibrations: int = Field(default=0, description="Calibrations of a new gallery")


class Transfer(BaseModel):
    """An export that is uploaded, and then imported."""

    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    state: str = Field(
        description="receiving, waiting, running, done, failed or cancelled", examples=["running"]
    )
    step: str | None = Field(description="What is being done: checking or importing", examples=["importing"])
    existing: bool = Field(description="Whether the people are added to a gallery that exists")
    join: bool = Field(description="Whether people with an external id of that gallery join its people")
    model: str | None = Field(description="Model that embeds the crops, as requested", examples=[None])
    manifest_sha256: str = Field(description="SHA-256 of the manifest, in hex", examples=["5c1f" * 16])
    files: int = Field(description="Files that the manifest names", examples=[7])
    bytes: int = Field(description="Size of all these files", examples=[24_100_000])
    files_missing: int = Field(description="Files that have not arrived", examples=[0])
    missing: Sequence[str] = Field(
        description="Names of the first 1,000 of them: send these", examples=[["faces-000001.ndjson"]]
    )
    figures: TransferFigures = Field(description="Progress, and at the end what was imported")
    code: str | None = Field(description="Code of the error for which it has failed", examples=[None])
    problem: str | None = Field(description="The same in words", examples=[None])
    created_by: str = Field(description="Name of the API key", examples=["migration"])
    created_at: datetime = Field(description="Time of its creation")
    ended_at: datetime | None = Field(description="Time of its end; null before it")

    @classmethod
    def of(cls, job: tables.Transfer, missing: Missing) -> "Transfer":
        values: dict[str, Any] = {
            name: getattr(job, name)
            for name in ("id", "gallery", "state", "step", "model", "files", "code", "problem", "created_at")
        }
        receiving = job.state == "receiving"
        return cls(
            **values,
            existing=job.into_existing,
            join=job.join_people,
            manifest_sha256=bytes(job.manifest_sha256).hex(),
            bytes=job.size,
            files_missing=missing.count if receiving else 0,
            missing=missing.names if receiving else [],
            figures=TransferFigures(**job.figures),
            created_by=job.caller_name,
            ended_at=job.ended_at,
        )


class TransferPage(BaseModel):
    transfers: list[Transfer] = Field(description="The newest first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
