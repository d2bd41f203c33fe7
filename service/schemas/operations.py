"""Health, readiness, models, errors, examinations."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from indexer.doctor import examination
from indexer.doctor.finding import Level as FindingLevel
from indexer.recent_errors import Level
from indexer.records import tables
from indexer.usecases.answers import MODEL_EXAMPLE
from service.schemas.galleries.calibrations import Misses


class ModelPart(BaseModel):
    name: str = Field(description="Model of a single network", examples=["sface"])
    weight: float = Field(description="Its share in the score; the shares add up to 1", examples=[0.5])
    mirror: bool = Field(description="Whether it embeds the mirror image too")


class ModelFigure(BaseModel):
    """Comparisons of two photographs of a public set, one to one."""

    fmr: float = Field(description="Share of pairs of different people that match", examples=[0.001])
    threshold: float = Field(description="The score at that share", examples=[0.3796])
    misses: Misses | None = Field(description="Share of pairs of the same person that do not match")


class Model(BaseModel):
    name: str = Field(description="Name in settings and requests", examples=["sface"])
    fingerprint: str = Field(
        description="Identifies weights, alignment and scaling. Embeddings of different fingerprints cannot"
        " be compared",
        examples=[MODEL_EXAMPLE],
    )
    dimension: int = Field(description="Length of an embedding", examples=[128])
    template: str = Field(examples=["arcface-112-v2"], description="Alignment template of its input")
    mirror: bool = Field(description="Whether the embedding is the mean of the face and its mirror image")
    parts: list[ModelPart] = Field(description="Of a model that consists of several networks; else empty")
    licence: str = Field(description="Licence of its weights", examples=["Apache-2.0"])
    source: str = Field(description="Source of its weights", examples=["OpenCV Zoo"])
    available: bool = Field(
        description="Whether its weights are on this machine; `gemel models fetch` fetches them"
    )
    recommended: bool = Field(description="Whether it is the published model that identifies best")
    superseded: bool = Field(
        description="Whether the model of this name has another alignment now. Galleries that were embedded"
        " with this one are searched with it until a re-index. Its fingerprint is its name in requests"
    )
    active: bool = Field(description="Whether it is the default model of this service")
    download_bytes: int = Field(
        description="Size of those of its files that are not on this machine", examples=[0]
    )
    figures: list[ModelFigure] = Field(
        description="Measured on public photographs, by falling FMR; empty if they were not measured: then"
        " the model sets no threshold"
    )


class ModelList(BaseModel):
    models: list[Model] = Field(
        description="The published models, those that they supersede, and the active one"
    )


class Health(BaseModel):
    status: str = Field(description="Always `ok`: the process answers", examples=["ok"])


class Readiness(BaseModel):
    status: str = Field(
        description="Always `ready`; a process that is not ready answers 503", examples=["ready"]
    )
    model: str = Field(description="Fingerprint of the model of new galleries", examples=[MODEL_EXAMPLE])
    galleries: int = Field(description="Number of galleries", examples=[3])
    faces: int = Field(description="Number of enrolled faces", examples=[120])
    indexes_open: int = Field(
        description="Indexes in this process's memory; the first search of a small gallery opens its index",
        examples=[1],
    )
    sync: str = Field(
        description="`ok`, or why the indexes are not kept up to date in the background; a search still"
        " brings its own index up to date first",
        examples=["ok"],
    )
    shards: str = Field(
        description="`off` without `GEMEL_CLUSTER`; `ok`, or why galleries on the Ray cluster cannot be"
        " searched, or their shards not be replaced",
        examples=["off"],
    )


class LoggedError(BaseModel):
    number: int = Field(description="Number of the line; later lines have higher numbers", examples=[4711])
    at: datetime = Field(description="When it was logged, by the clock of its machine")
    host: str = Field(description="Host name of the process", examples=["web-1"])
    pid: int = Field(description="Its process id on that host", examples=[4711])
    level: Level = Field(description="`warning` or `error`")
    logger: str = Field(description="The part of Gemel that logged it", examples=["service.errors"])
    code: str | None = Field(
        description="Code of the error, as in answers; null if the line has none",
        examples=["database_unavailable"],
    )
    message: str = Field(
        description="The line, as the log has it",
        examples=["database_unavailable: PostgreSQL does not answer"],
    )
    request_id: str | None = Field(
        description="`X-Request-Id` of the request; null if the line is about no request",
        examples=["0191e4ab-3f2b-7cc4-9d5a-6c2b1f0e8d7a"],
    )
    suppressed: int = Field(description="Lines of the same kind that were left out before this one")

    @classmethod
    def of(cls, row: tables.LoggedErrorRow) -> "LoggedError":
        return cls.model_validate(row, from_attributes=True)


class ErrorPage(BaseModel):
    errors: list[LoggedError] = Field(description="The newest first")
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last page")


_LEVELS = (
    "`problem`: something does not work, or soon will not; `warning`: it needs attention; `info`: for"
    " information; `ok`: the check found nothing wrong"
)


class Finding(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    check: str = Field(description="What was checked", examples=["disk"])
    level: FindingLevel = Field(description=_LEVELS, examples=["warning"])
    code: str = Field(description="Stable, for programs", examples=["disk_space_low"])
    text: str = Field(
        description="The finding in words", examples=["Only 1.2 GB of 20.0 GB are free on the disk."]
    )
    advice: str | None = Field(
        description="What to do; null: nothing", examples=["Free space or enlarge the disk."]
    )


class Examination(BaseModel):
    level: FindingLevel = Field(description="The worst of the findings")
    at: datetime = Field(description="Time of the examination; requests within two seconds share one")
    seconds: float = Field(description="Duration of the examination", examples=[0.04])
    findings: list[Finding] = Field(description="The worst first")

    @classmethod
    def of(cls, made: examination.Examination) -> "Examination":
        return cls.model_validate(made, from_attributes=True)
