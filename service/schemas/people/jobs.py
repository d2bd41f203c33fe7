"""What the answers of all jobs of galleries have."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.usecases.answers import ID_EXAMPLE


class Job(BaseModel):
    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="Name of the gallery", examples=["family"])
    state: str = Field(description="waiting, running, done, failed, cancelled or undone", examples=["done"])
    step: str | None = Field(description="What is being done, in words", examples=[None])
    used_threshold: float | None = Field(
        description="The threshold that is used; null before it is known", examples=[0.4812]
    )
    problem: str | None = Field(description="Why it has failed; null if it has not", examples=[None])
    created_by: str = Field(description="Name of the API key", examples=["album"])
    created_at: datetime = Field(description="Time of its creation")
    started_at: datetime | None = Field(description="When a process began it; null before it")
    ended_at: datetime | None = Field(description="Time of its end; null before it")


def common(job: tables.GalleryJob, gallery: str) -> dict[str, Any]:
    """The fields of `Job`."""
    return {
        "id": job.id,
        "gallery": gallery,
        "state": job.state,
        "step": job.step,
        "used_threshold": rounded(job.used_threshold),
        "problem": job.problem,
        "created_by": job.caller_name,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
