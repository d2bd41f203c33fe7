"""How galleries are searched, on this machine or on several."""

from typing import Literal

from pydantic import BaseModel, Field


class IndexSettings(BaseModel):
    index_tier: Literal["auto", "exact", "exact-fp16", "compact", "gpu"] = Field(
        default="auto",
        description="How galleries are searched: `exact`, `exact-fp16`, `compact` or `gpu`;"
        " `auto` is `exact`, and from 100,000 faces on `compact` where its recall suffices",
    )
    index_min_agreement: float = Field(
        default=0.999,
        ge=0,
        le=1,
        description="Lowest recall@1 of `compact` against exact search, measured on each gallery; below it,"
        " the gallery is searched as `exact-fp16`",
    )
    index_patience_s: float = Field(
        default=2.0,
        ge=0,
        description="Seconds that a request waits for its gallery's index to be loaded or built, before 503",
    )
    index_memory_mb: float = Field(
        default=8192,
        gt=0,
        description="Memory for all indexes of a process, in MB (10^6 bytes); above it, the least"
        " recently used ones are closed, and opened again by the next search",
    )
    cluster: str = Field(
        default="",
        pattern=r"^(|auto|(ray://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5})$",
        description="Ray cluster that holds the shards of large galleries: `auto` is that of this machine's"
        " Ray node, `HOST:PORT` that of a head, `ray://HOST:PORT` a head's client server; empty: galleries"
        " are searched in this process, and no Ray is imported. It needs the extra `cluster`",
    )
    shard_faces: int = Field(
        default=50_000_000,
        ge=1,
        description="A gallery with at least so many faces is searched in shards on the Ray cluster, until it"
        " has fewer than half as many. Without `GEMEL_CLUSTER` it has no effect",
    )
    shards: int = Field(
        default=0,
        ge=0,
        le=1024,
        description="Shards of a gallery on the Ray cluster; 0: one for each node that is alive when they are"
        " created. `gemel index reshard` changes those of one gallery",
    )
    shard_copies: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Copies of each shard, each on another node of the Ray cluster. With one copy,"
        " searches fail while its node is down",
    )

    @property
    def least_sharded_faces(self) -> int | None:
        """From so many faces on a gallery has shards; None without a Ray cluster."""
        return self.shard_faces if self.cluster else None

    @property
    def index_memory_bytes(self) -> float:
        return self.index_memory_mb * 1e6
