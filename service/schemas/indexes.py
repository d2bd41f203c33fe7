"""Where the index of each gallery is, in each process."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.replica.status import GalleryStatus
from indexer.types import Tier
from service.schemas import ID_EXAMPLE, MODEL_EXAMPLE


class Process(BaseModel):
    id: UUID = Field(description="Given by Gemel when it started", examples=[ID_EXAMPLE])
    host: str = Field(description="Name of its machine", examples=["web-1"])
    pid: int = Field(description="Its number on that machine", examples=[4711])
    version: str = Field(examples=["0.1.0"], description="Of Gemel")
    started_at: datetime = Field(description="When it started")
    seen_at: datetime = Field(description="When it last told where its indexes are; it does so every second")

    @classmethod
    def of(cls, process: tables.Process) -> "Process":
        return cls(
            id=process.id,
            host=process.host,
            pid=process.pid,
            version=process.version,
            started_at=process.started_at,
            seen_at=process.seen_at,
        )


class Replica(BaseModel):
    process: UUID = Field(description="Which of the `processes` holds it")
    state: str = Field(
        description="opening, ready, rebuilding (the old one serves) or failed (absent, or not kept in step)"
    )
    problem: str | None = Field(description="Why it is not there, or not of the target tier")
    model: str = Field(
        description="Fingerprint of the model whose embeddings are in it", examples=[MODEL_EXAMPLE]
    )
    tier: str | None = Field(description="How it is searched; null until it is open", examples=["compact"])
    snapshot: str | None = Field(description="On the disk of its machine; null: read from PostgreSQL")
    applied: int = Field(description="Number of the last change in it")
    lag: int = Field(description="Changes that it lacked when it last told")
    count: int = Field(description="Faces that a search can return")
    tombstones: int = Field(description="Deleted faces that still take up room")
    memory_bytes: int = Field(description="That it takes", examples=[5300000])
    digest: str | None = Field(
        description="Of its contents, whatever their order: two indexes with the same change applied are"
        " equal if their digests are"
    )


class GalleryIndex(BaseModel):
    gallery: str = Field(description="Its name", examples=["staff"])
    faces: int = Field(description="Enrolled, in PostgreSQL")
    change_number: int = Field(description="Of its last change, in PostgreSQL")
    rebuild_number: int = Field(description="How often a rebuild was asked for")
    tier: str | None = Field(description="As it was chosen for this gallery; null: by the settings")
    replicas: list[Replica] = Field(description="One for each process that has it open or opens it")

    @classmethod
    def of(cls, status: GalleryStatus) -> "GalleryIndex":
        gallery = status.gallery
        return cls(
            gallery=gallery.name,
            faces=gallery.face_count,
            change_number=gallery.change_number,
            rebuild_number=gallery.rebuild_number,
            tier=gallery.index_tier,
            replicas=[
                Replica(
                    process=process.id,
                    state=replica.state,
                    problem=replica.problem,
                    model=replica.model,
                    tier=replica.tier,
                    snapshot=replica.snapshot,
                    applied=replica.applied,
                    lag=status.lag(replica),
                    count=replica.count,
                    tombstones=replica.tombstones,
                    memory_bytes=replica.memory_bytes,
                    digest=replica.digest,
                )
                for process, replica in status.replicas
            ],
        )


class IndexStatus(BaseModel):
    processes: list[Process] = Field(description="That serve, the oldest first")
    galleries: list[GalleryIndex] = Field(description="By name")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last")


class Rebuild(BaseModel):
    model_config = {"extra": "forbid"}

    tier: Tier | Literal["auto"] | None = Field(
        default=None,
        description="From now on; `auto` leaves it to the settings; left out, it stays as it is",
    )
