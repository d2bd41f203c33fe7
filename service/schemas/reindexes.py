"""Bodies of re-index requests and answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.reindex.comparison import acceptance
from indexer.reindex.status import Status
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE


class ReindexNew(BaseModel):
    model_config = {"extra": "forbid"}

    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    to: str = Field(
        max_length=4096,
        description="One of `GET /v1/models`, or `onnx:FILE`, `safetensors:FILE` or `fused:FILE`, below"
        " `GEMEL_MODELS_DIR`, at the same place on the machines of all workers",
        examples=["dlib-resnet"],
    )
    gates: list[Annotated[str, Field(max_length=100)]] = Field(
        default=list(acceptance.DEFAULT),
        max_length=20,
        description="Acceptance criteria: what the new model must reach before it is activated. Each is"
        " `METRIC<=LIMIT` or `METRIC>=LIMIT`",
    )
    force: bool = Field(default=False, description="Start even if the plan finds too little room")


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
            skipped=[SkippedFace(face=s.face, identity=s.identity, why=s.why) for s in status.skipped],
            events=[ReindexEvent(at=event.at, text=event.text) for event in status.events],
        )


class ReindexPage(BaseModel):
    reindexes: list[Reindex] = Field(description="The newest first")
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last page"
    )
