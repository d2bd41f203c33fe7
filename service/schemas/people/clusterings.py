"""Clusterings: bodies and answers."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.usecases.answers.faces import Box
from service.schemas.people.jobs import Job, common


class ClusteringNew(BaseModel):
    model_config = {"extra": "forbid"}

    threshold: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Least mean score between the faces of a group. null: the threshold at which a tenth of"
        " the faces may resemble a face of somebody else, at the gallery's size, and for people with names"
        " the threshold of its searches",
        examples=[None],
    )
    join_groups: bool = Field(
        default=False,
        description="Groups of several faces that exist already may become one. By default they stay as they"
        " are, and other faces join them",
    )
    join_named: bool = Field(
        default=False,
        description="A group that resembles somebody with a name joins that person. By default the two get a"
        " review",
    )
    dry_run: bool = Field(default=False, description="Change nothing; `/groups` lists what would be joined")


class ClusteringFigures(BaseModel):
    """So far; 0 before the step."""

    faces: int = Field(default=0, description="Faces of anonymous identities", examples=[13_233])
    compared: int = Field(default=0, description="Faces whose nearest faces are known", examples=[13_233])
    groups: int = Field(default=0, description="Groups of two faces or more", examples=[1_680])
    grouped: int = Field(default=0, description="Faces in them", examples=[9_164])
    joined: int = Field(default=0, description="Anonymous identities that became part of another")
    named: int = Field(default=0, description="Those that became part of somebody with a name")
    reviews: int = Field(default=0, description="New reviews of groups that resemble somebody with a name")


class ClusteringUndo(BaseModel):
    """So far."""

    by: str | None = Field(description="Name of the API key", examples=["album"])
    undone: int = Field(default=0, description="Joins that are undone", examples=[7_484])
    kept_named: int = Field(default=0, description="Not undone: somebody has named the identity since")
    kept_merged: int = Field(
        default=0,
        description="Not undone: the identity is a part of another now, or another was merged into it",
    )
    kept_split: int = Field(default=0, description="Not undone: somebody has split or moved its faces")
    kept_deleted: int = Field(default=0, description="Not undone: the faces were deleted")


class Clustering(Job):
    """A job that joins the anonymous identities of one person."""

    threshold: float | None = Field(description="As requested", examples=[None])
    join_groups: bool = Field(description="Whether groups that exist already may become one")
    join_named: bool = Field(description="Whether groups join people with names")
    dry_run: bool = Field(description="Whether nothing is changed")
    undo: ClusteringUndo | None = Field(
        description="If it is being undone, or was; then `state` is that of the undo", examples=[None]
    )
    figures: ClusteringFigures = Field(description="What it has found so far")

    @classmethod
    def of(cls, job: tables.GalleryJob, gallery: str) -> "Clustering":
        return cls(
            **common(job, gallery),
            **job.options,
            undo=ClusteringUndo(by=job.undone_by, **job.figures) if job.undo else None,
            figures=ClusteringFigures(**job.figures),
        )


class ClusteringPage(BaseModel):
    clusterings: list[Clustering] = Field(description="The newest first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")


class GroupedFace(BaseModel):
    identity_id: UUID = Field(description="The anonymous identity that has the face now")
    face_id: UUID = Field(description="The face")
    image_sha256: str = Field(description="SHA-256 of the picture's file, in hex", examples=["5f1a" * 16])
    box: Box = Field(description="Position in the picture")


class FaceGroup(BaseModel):
    id: UUID = Field(description="The identity that would remain")
    faces: list[GroupedFace] = Field(description="Two or more")


class ClusteringGroups(BaseModel):
    groups: list[FaceGroup] = Field(description="The largest first")
    unassigned: list[GroupedFace] = Field(description="Faces that resemble no other")

    @classmethod
    def of(cls, result: Any) -> "ClusteringGroups":
        return cls.model_validate(result)
