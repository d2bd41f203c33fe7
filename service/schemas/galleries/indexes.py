"""Status of the index of each gallery in each process."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import index_checks, tables
from indexer.replica.status import GalleryStatus
from indexer.types import Tier
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE


class Process(BaseModel):
    id: UUID = Field(description="Assigned by Gemel at its start", examples=[ID_EXAMPLE])
    host: str = Field(description="Host name", examples=["web-1"])
    pid: int = Field(description="Process id on that host", examples=[4711])
    version: str = Field(examples=["0.1.0"], description="Version of Gemel")
    started_at: datetime = Field(description="Time of its start")
    seen_at: datetime = Field(description="Time of its last report; it reports every second or two")

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
    process: UUID = Field(description="`id` of the process that has it")
    shard: int | None = Field(
        description="Shard of the gallery that it is, from 0; null: an index of the whole gallery",
        examples=[3],
    )
    shards: int | None = Field(description="How many shards the gallery has; null likewise", examples=[8])
    state: str = Field(
        description="opening, ready, rebuilding (the old one serves) or failed (absent, or not updated)"
    )
    problem: str | None = Field(description="Why it is not available or not of the target tier")
    model: str = Field(
        description="Fingerprint of the model whose embeddings are in it", examples=[MODEL_EXAMPLE]
    )
    tier: str | None = Field(description="How it is searched; null until it is open", examples=["compact"])
    snapshot: str | None = Field(description="Snapshot that it was loaded from; null: built from PostgreSQL")
    applied: int = Field(description="Number of the last change that it has")
    lag: int = Field(description="Changes that it lacked at its last report")
    count: int = Field(description="Faces that a search can return; of a shard, its own")
    tombstones: int = Field(description="Deleted faces that still take memory")
    memory_bytes: int = Field(description="Memory that it takes", examples=[5300000])
    digest: str | None = Field(
        description="Digest of its contents, independent of their order: two indexes at the same change"
        " are equal if their digests are"
    )


class IndexCheck(BaseModel):
    state: index_checks.State = Field(description="`running`, `done`, or `failed`: there is no result")
    problem: str | None = Field(description="Why there is no result; null unless it failed")
    started_at: datetime = Field(description="Time of its start")
    finished_at: datetime | None = Field(description="Time of its end; null until then")
    model: str = Field(
        description="Fingerprint of the model whose embeddings are compared", examples=[MODEL_EXAMPLE]
    )
    change_number: int | None = Field(
        description="Last change that the comparison covers; null until it has ended"
    )
    faces: int | None = Field(description="Faces in PostgreSQL then")
    equal: int | None = Field(description="Processes whose index was equal")
    different: int | None = Field(description="Processes whose index differed: rebuild it", examples=[0])
    not_compared: int | None = Field(description="Processes whose index was at another change", examples=[0])

    @classmethod
    def of(cls, status: index_checks.CheckStatus) -> "IndexCheck":
        row = status.row
        return cls(
            state=status.state,
            problem=status.problem,
            started_at=row.started_at,
            finished_at=row.finished_at,
            model=row.model,
            change_number=row.change_number,
            faces=row.faces,
            equal=row.equal,
            different=row.different,
            not_compared=row.not_compared,
        )


class GalleryIndexStatus(BaseModel):
    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    faces: int = Field(description="Faces in PostgreSQL")
    change_number: int = Field(description="Number of its last change in PostgreSQL")
    rebuild_number: int = Field(description="How many rebuilds were requested")
    tier: str | None = Field(description="Tier chosen for this gallery; null: by the settings")
    check: IndexCheck | None = Field(
        description="The last comparison with PostgreSQL that `/v1/galleries/{gallery}/index/verify` began"
    )
    replicas: list[Replica] = Field(description="One per process that has the index open or is opening it")

    @classmethod
    def of(cls, status: GalleryStatus) -> "GalleryIndexStatus":
        gallery = status.gallery
        return cls(
            gallery=gallery.name,
            faces=gallery.face_count,
            change_number=gallery.change_number,
            rebuild_number=gallery.rebuild_number,
            tier=gallery.index_tier,
            check=None if status.check is None else IndexCheck.of(status.check),
            replicas=[
                Replica(
                    process=process.id,
                    shard=replica.shard,
                    shards=replica.shards,
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
    processes: list[Process] = Field(description="Processes that serve or hold a shard, the oldest first")
    galleries: list[GalleryIndexStatus] = Field(description="Ordered by name")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")


class Rebuild(BaseModel):
    model_config = {"extra": "forbid"}

    tier: Tier | Literal["auto"] | None = Field(
        default=None,
        description="Tier from now on; `auto`: by the settings; omitted: unchanged",
    )
