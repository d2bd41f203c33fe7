"""How much a process does at once, and how long it waits."""

from typing import Literal

from pydantic import BaseModel, Field


class LoadSettings(BaseModel):
    max_requests: int = Field(
        default=64,
        ge=1,
        description="Largest number of requests with a complete body that a process holds at once; the"
        " next one gets 503 and can be sent again",
    )
    overload_requests: int | None = Field(
        default=None,
        ge=1,
        description="Largest number of requests that a process holds at once while it is overloaded, so that"
        " those it accepts are answered soon; default: the cores, divided among the workers, and 2 at"
        " least; as many as `GEMEL_MAX_REQUESTS`: load is never shed",
    )
    max_connections: int = Field(
        default=1000,
        ge=1,
        description="Largest number of open connections of a process; for one more, the connection that"
        " has waited longest for a request, or for the rest of one, is closed",
    )
    header_timeout_s: float = Field(
        default=20.0, gt=0, description="Seconds in which the header fields of a request must arrive"
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds in which a request's body must arrive; up to ten times as many while 2,000"
        " bytes arrive each second",
    )
    upload_memory_mb: float = Field(
        default=512.0,
        gt=0,
        description="Memory of a process for the bodies of requests that are not answered yet, in MB"
        " (10^6 bytes); above it, the upload that has taken longest gets 503",
    )
    stop_delay_s: float = Field(
        default=0.0,
        ge=0,
        description="Seconds between SIGTERM and the end of service: `/readyz` answers 503, other requests"
        " are answered as before, so that load balancers have time to notice",
    )
    threads: int = Field(
        default=8, ge=1, description="Requests that a process works on at once; the others wait"
    )
    workers: int = Field(default=1, ge=1, description="Processes that serve, on one port")
    reindex_worker: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Whether serving processes also work on re-index jobs, each in one thread; `auto`: only"
        " with the embedded PostgreSQL. Otherwise, run `gemel worker`",
    )

    @property
    def upload_memory_bytes(self) -> int:
        return int(self.upload_memory_mb * 1e6)
