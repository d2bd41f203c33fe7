"""Searches for duplicates: bodies and answers."""

from pydantic import BaseModel, Field

from indexer.records import tables
from service.schemas.people.jobs import Job, common


class DuplicateSearchNew(BaseModel):
    model_config = {"extra": "forbid"}

    fpir: float | None = Field(
        default=None,
        ge=1e-9,
        le=0.5,
        description="Share of the faces that may be taken for another person; it sets the threshold. null:"
        " the gallery's `duplicate_fpir`",
        examples=[None],
    )


class DuplicateSearchFigures(BaseModel):
    """Counts so far."""

    faces: int = Field(default=0, description="Faces to compare", examples=[13_233])
    compared: int = Field(default=0, description="Faces that were compared with all", examples=[13_233])
    people: int = Field(default=0, description="People with these faces", examples=[5_749])
    pairs: int = Field(default=0, description="Pairs of people that reach the threshold", examples=[12])
    reviews: int = Field(
        default=0,
        description="New reviews: one for each pair without an open one. Pairs that are known to be"
        " different are left out",
        examples=[12],
    )
    fpir: float | None = Field(default=None, description="FPIR that sets the threshold", examples=[0.001])
    fpir_trusted: bool | None = Field(
        default=None, description="Whether the calibration's data support this rate", examples=[True]
    )
    expected_false_pairs: float | None = Field(
        default=None, description="Pairs of different people that are expected among them", examples=[6.6]
    )


class DuplicateSearch(Job):
    """A job that compares everybody of a gallery with everybody else."""

    fpir: float | None = Field(description="As requested", examples=[None])
    figures: DuplicateSearchFigures = Field(description="What it has found so far")

    @classmethod
    def of(cls, job: tables.GalleryJob, gallery: str) -> "DuplicateSearch":
        return cls(**common(job, gallery), **job.options, figures=DuplicateSearchFigures(**job.figures))


class DuplicateSearchPage(BaseModel):
    duplicate_searches: list[DuplicateSearch] = Field(description="The newest first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
