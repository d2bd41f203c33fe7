"""The status of a job, for the command line and the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from indexer.errors import ReindexState
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job, Progress
from indexer.reindex.comparison.examples import with_people

MAX_SKIPPED = 1_000
"""Skipped faces in a status."""


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
    started_at: datetime
    rolled_back: bool
    progress: Progress
    skipped: list[Skipped]
    events: list[Event]

    @property
    def word(self) -> str:
        """The state in one word: "stopped", "paused", or the job's state."""
        return "stopped" if self.problem else "paused" if self.paused else self.state


def waits_or_ended(job: Job) -> bool:
    """Whether the job waits for an operator, or has ended. Else it is work for a worker."""
    stopped = job.row.problem is not None or job.row.paused
    return stopped or job.row.state in (*reindexes.SWITCHABLE, *reindexes.CLOSED)


def comparison(database: Database, job_id: UUID) -> dict[str, Any]:
    """With the people of its examples as they are now. Raises ReindexNotFound, and ReindexState if the job
    has not been compared yet."""
    with database.reading() as session:
        job = reindexes.get(session, job_id)
        stored = reindexes.comparison(session, job_id)
    if stored is None:
        raise ReindexState("the job has not been compared yet", state=job.row.state)
    return with_people(database, job, stored)


def of(database: Database, job_id: UUID) -> Status:
    """Raises ReindexNotFound."""
    with database.reading() as session:
        job = reindexes.get(session, job_id)
        row = job.row
        progress = reindexes.progress_of(session, row.id)
        skipped = reindexes.problems(session, job.gallery.id, row.to_model_id, at_most=MAX_SKIPPED)
        events = reindexes.events(session, row.id)
        rolled_back = reindexes.rolled_back(session, job)
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
        started_at=row.created_at,
        rolled_back=rolled_back,
        progress=progress,
        skipped=[Skipped(face=face, identity=identity, why=why) for face, identity, why in skipped],
        events=[Event(at=event.at, text=event.text) for event in events],
    )
