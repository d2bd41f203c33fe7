"""Re-index jobs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.reindex.comparison import acceptance
from indexer.reindex.status import Status
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE


class ReindexNew(BaseModel):
    model_config = {"extra": "forbid"}

    gallery: str = Field(description="Its name", examples=["staff"])
    to: str = Field(
        max_length=4096,
        description="`sface`, `dlib-resnet`, or `onnx:FILE` or `safetensors:FILE`, a path below"
        " `GEMEL_MODELS_DIR`, at the same place on the machines of all workers",
        examples=["dlib-resnet"],
    )
    gates: list[Annotated[str, Field(max_length=100)]] = Field(
        default=list(acceptance.DEFAULT),
        max_length=20,
        description="What the new model must reach before it is activated",
    )
    force: bool = Field(default=False, description="Even where the plan finds too little room")


class Force(BaseModel):
    model_config = {"extra": "forbid"}

    force: str | None = Field(
        default=None, min_length=1, description="Why, over gates and processes; it is recorded"
    )


class SkippedFace(BaseModel):
    face: UUID = Field(description="Its id")
    identity: UUID = Field(description="Whose it is")
    why: str = Field(description="What was wrong with it", examples=["no crop is stored"])


class ReindexEvent(BaseModel):
    at: datetime = Field(description="When")
    text: str = Field(
        description="What happened", examples=["started: staff to dlib-resnet-3e8af2fb75c1, gates skipped<=0"]
    )


class Reindex(BaseModel):
    id: UUID = Field(description="Given by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="Its name", examples=["staff"])
    from_model: str = Field(description="Fingerprint of the model that it leaves", examples=[MODEL_EXAMPLE])
    to_model: str = Field(
        description="Fingerprint of the model that it goes to", examples=["dlib-resnet-3e8af2fb75c1"]
    )
    state: str = Field(
        description="embedding, building, comparing, ready, active, cleaning, done, cancelling or cancelled"
    )
    paused: bool = Field(description="Whether an operator has paused it", examples=[False])
    problem: str | None = Field(description="Why it stands still until it is resumed")
    gates: list[str] = Field(
        description="What the new model must reach before it is activated",
        examples=[["fnir@0.01<=old", "skipped<=0"]],
    )
    plan: dict[str, Any] = Field(description="What it was expected to take")
    verified: dict[str, Any] | None = Field(description="Of the new index, compared with PostgreSQL")
    faces: int = Field(description="To be embedded by the workers")
    done: int = Field(description="Faces that are dealt with, embedded or skipped", examples=[9000])
    embedded: int = Field(description="Faces with an embedding of the new model", examples=[9000])
    faces_per_second: float | None = Field(
        description="Of the last minutes; null where nobody is at work", examples=[118.0]
    )
    seconds_left: float | None = Field(
        description="Until all are embedded, at that rate; null where nobody is at work", examples=[8.5]
    )
    workers: int = Field(description="At work now")
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
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last")
