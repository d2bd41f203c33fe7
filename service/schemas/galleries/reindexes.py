"""Bodies of re-index requests and answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.reindex.comparison import acceptance
from indexer.reindex.comparison.acceptance import Verdict
from indexer.reindex.plan import Plan, Shortage
from indexer.reindex.status import Status
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE

Gates = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(
        max_length=20,
        description="Acceptance criteria that the new model must meet before it is activated. Each is"
        " `METRIC<=LIMIT` or `METRIC>=LIMIT`",
    ),
]


class ReindexNew(BaseModel):
    model_config = {"extra": "forbid"}

    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    to: str = Field(
        max_length=4096,
        description="One of `GET /v1/models`, or `onnx:FILE`, `safetensors:FILE` or `fused:FILE`, below"
        " `GEMEL_MODELS_DIR`, at the same place on the machines of all workers",
        examples=["dlib-resnet"],
    )
    gates: Gates = list(acceptance.DEFAULT)
    force: bool = Field(default=False, description="Start even if the plan finds too little room")


class ReindexPlanNew(BaseModel):
    model_config = {"extra": "forbid"}

    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    to: str = Field(max_length=4096, description="As in `POST /v1/reindexes`", examples=["dlib-resnet"])
    gates: Gates = list(acceptance.DEFAULT)


class GateForecast(BaseModel):
    """Whether a gallery of this size can show an acceptance criterion at all."""

    gate: str = Field(description="The criterion", examples=["fnir@0.01<=old"])
    measurable: bool = Field(
        description="Whether the gallery has enough people. If not, the criterion will not be met, and the"
        " switch needs a reason (`force`)"
    )
    people: int | None = Field(
        description="People that it can be measured on; null for a count such as `skipped`", examples=[6]
    )
    people_needed: int | None = Field(description="People that it needs", examples=[59])


class ReindexPlan(BaseModel):
    """What a re-index would take. Nothing is started."""

    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    from_model: str = Field(description="Fingerprint of the present model", examples=[MODEL_EXAMPLE])
    to_model: str = Field(description="Fingerprint of the new model", examples=["dlib-resnet-3e8af2fb75c1"])
    faces: int = Field(description="Enrolled faces, which are embedded again", examples=[9000])
    faces_without_crop: int = Field(
        description="Faces without a stored crop: they cannot be embedded, and are skipped", examples=[0]
    )
    faces_per_second: float | None = Field(
        description="By one worker on this machine, measured on a sample of the stored crops; null without"
        " crops",
        examples=[118.0],
    )
    seconds: float | None = Field(description="Estimated time for all faces, at that rate", examples=[76.3])
    database_bytes: int = Field(description="The new embeddings in PostgreSQL")
    disk_bytes: int = Field(description="Disk that is needed on this machine")
    disk_free_bytes: int = Field(description="Disk that is free on this machine")
    memory_bytes: int = Field(
        description="Memory for the new index in each serving process; of a gallery in"
        " shards, in each copy of a shard"
    )
    memory_free_bytes: int = Field(description="Memory that is free on this machine")
    shortages: list[str] = Field(
        description="Resources that are too small; if there are any, `POST /v1/reindexes` needs `force`"
    )
    gates: list[GateForecast] = Field(description="The acceptance criteria")

    @classmethod
    def of(cls, plan: Plan, shortages: Sequence[Shortage], gates: Sequence[Verdict]) -> "ReindexPlan":
        return cls(
            gallery=plan.gallery,
            from_model=plan.from_model,
            to_model=plan.to_model,
            faces=plan.faces,
            faces_without_crop=plan.without_crop,
            faces_per_second=plan.faces_per_second,
            seconds=plan.seconds,
            database_bytes=plan.database_bytes,
            disk_bytes=plan.disk_bytes,
            disk_free_bytes=plan.disk_free_bytes,
            memory_bytes=plan.new_index_bytes,
            memory_free_bytes=plan.memory_free_bytes,
            shortages=[str(shortage) for shortage in shortages],
            gates=[
                GateForecast(
                    gate=gate.gate,
                    measurable=not gate.too_few,
                    people=gate.people,
                    people_needed=gate.people_needed,
                )
                for gate in gates
            ],
        )


class Force(BaseModel):
    model_config = {"extra": "forbid"}

    force: str | None = Field(
        default=None,
        min_length=1,
        description="The reason for a switch although a criterion is not met or a process is not ready. It is"
        " recorded",
    )


class SkippedFace(BaseModel):
    face: UUID = Field(description="Its id")
    identity: UUID = Field(description="Id of its identity")
    why: str = Field(
        description="Why the model could not embed it", examples=["no crop of the face is stored"]
    )


class ReindexEvent(BaseModel):
    at: datetime = Field(description="Time of the event")
    text: str = Field(
        description="What happened",
        examples=["started: staff to dlib-resnet-3e8af2fb75c1, acceptance criteria: skipped<=0"],
    )


class Reindex(BaseModel):
    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    from_model: str = Field(description="Fingerprint of the old model", examples=[MODEL_EXAMPLE])
    to_model: str = Field(description="Fingerprint of the new model", examples=["dlib-resnet-3e8af2fb75c1"])
    state: str = Field(
        description="embedding, building, comparing, ready, active, cleaning, done, cancelling or cancelled"
    )
    paused: bool = Field(description="Whether an operator has paused it", examples=[False])
    problem: str | None = Field(description="Why the job has stopped; null unless it has")
    gates: list[str] = Field(
        description="Acceptance criteria: what the new model must reach before it is activated",
        examples=[["fnir@0.01<=old", "skipped<=0"]],
    )
    plan: dict[str, Any] = Field(description="Estimated time and room")
    verified: dict[str, Any] | None = Field(
        description="Result of the comparison of the new index with PostgreSQL; null before it"
    )
    faces: int = Field(description="Faces that workers embed")
    done: int = Field(description="Faces that are embedded or skipped", examples=[9000])
    embedded: int = Field(description="Faces with an embedding of the new model", examples=[9000])
    faces_per_second: float | None = Field(
        description="Over the last two minutes; null if no worker is active", examples=[118.0]
    )
    seconds_left: float | None = Field(
        description="Until all faces are embedded, at that rate; null if no worker is active", examples=[8.5]
    )
    workers: int = Field(description="Active workers")
    started_at: datetime = Field(description="Time of the start")
    rolled_back: bool = Field(description="Whether it is `ready` because the gallery was rolled back")
    skipped: list[SkippedFace] = Field(description="Faces that the new model could not embed, 1,000 at most")
    events: list[ReindexEvent] = Field(description="The newest last")

    @classmethod
    def of(cls, status: Status) -> "Reindex":
        progress = status.progress
        return cls(
            id=status.id,
            gallery=status.gallery,
            from_model=status.from_model,
            to_model=status.to_model,
            state=status.state,
            paused=status.paused,
            problem=status.problem,
            gates=status.gates,
            plan=status.plan,
            verified=status.verified,
            faces=progress.total,
            done=progress.done,
            embedded=progress.embedded,
            faces_per_second=progress.rate,
            seconds_left=progress.seconds_left,
            workers=progress.workers,
            started_at=status.started_at,
            rolled_back=status.rolled_back,
            skipped=[SkippedFace(face=s.face, identity=s.identity, why=s.why) for s in status.skipped],
            events=[ReindexEvent(at=event.at, text=event.text) for event in status.events],
        )


class ReindexPage(BaseModel):
    reindexes: list[Reindex] = Field(description="The newest first")
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last page"
    )
