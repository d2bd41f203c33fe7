"""Where a job is, for people, programs and meters alike."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from indexer.errors import ReindexState
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job, Progress

LISTED = 1_000
"""Skipped faces at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A face that the new model could not embed."""

    face: UUID
    identity: UUID
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    id: UUID
    gallery: str
    from_model: str
    to_model: str
    state: str
    paused: bool
    problem: str | None
    gates: list[str]
    plan: dict[str, Any]
    verified: dict[str, Any] | None
    progress: Progress
    skipped: list[Skipped]
    events: list[Event]

    @property
    def said(self) -> str:
        """In a word."""
        return "stopped" if self.problem else "paused" if self.paused else self.state


def resting(job: Job) -> bool:
    """Whether it waits for an operator, or is over."""
    stopped = job.row.problem is not None or job.row.paused
    return stopped or job.row.state in (*reindexes.SWITCHABLE, *reindexes.CLOSED)


def comparison(database: Database, job_id: UUID) -> dict[str, Any]:
    """Raises ReindexNotFound, ReindexState where it has not come to that yet."""
    with database.reading() as session:
        state = reindexes.get(session, job_id).row.state
        found = reindexes.comparison(session, job_id)
    if found is None:
        raise ReindexState("the job has not come to the comparison yet", state=state)
    return found


def of(database: Database, job_id: UUID) -> Status:
    """Raises ReindexNotFound."""
    with database.reading() as session:
        job = reindexes.get(session, job_id)
        row = job.row
        progress = reindexes.progress_of(session, row.id)
        skipped = reindexes.problems(session, job.gallery.id, row.to_model_id, at_most=LISTED)
        events = reindexes.events(session, row.id)
    return Status(
        id=row.id,
        gallery=job.gallery.name,
        from_model=job.from_model,
        to_model=job.to_model,
        state=row.state,
        paused=row.paused,
        problem=row.problem,
        gates=row.gates,
        plan=row.plan,
        verified=row.verified,
        progress=progress,
        skipped=[Skipped(face=face, identity=identity, why=why) for face, identity, why in skipped],
        events=[Event(at=event.at, text=event.text) for event in events],
    )
