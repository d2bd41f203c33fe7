"""The progress and speed of a job's embedding."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from indexer.records.tables import ReindexChunk

_RATE_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    total: int
    """Faces in all chunks."""
    done: int
    embedded: int
    skipped: int
    """The part of `done` that the new model could not embed or that was deleted meanwhile."""
    rate: float | None
    """Faces per second over the last two minutes."""
    workers: int
    """Workers that hold a lease."""

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate else None


def progress_of(session: Session, job_id: UUID) -> Progress:
    done = ReindexChunk.done_at.is_not(None)
    of_done = case((done, ReindexChunk.faces), else_=0)
    recent = ReindexChunk.done_at > func.now() - _RATE_WINDOW
    span = func.max(ReindexChunk.done_at) - func.min(ReindexChunk.done_at).filter(recent)
    row = session.execute(
        select(
            func.coalesce(func.sum(ReindexChunk.faces), 0).label("total"),
            func.coalesce(func.sum(of_done), 0).label("done"),
            func.coalesce(func.sum(ReindexChunk.embedded), 0).label("embedded"),
            func.coalesce(func.sum(ReindexChunk.skipped), 0).label("skipped"),
            func.count(func.distinct(ReindexChunk.worker))
            .filter(ReindexChunk.leased_until > func.now())
            .label("workers"),
            # The oldest recent chunk was started before the time span that is measured, so it is left out.
            (func.sum(ReindexChunk.faces).filter(recent) - func.min(ReindexChunk.faces).filter(recent)).label(
                "recently"
            ),
            func.extract("epoch", span).label("seconds"),
        ).where(ReindexChunk.reindex_id == job_id)
    ).one()
    rate = float(row.recently / row.seconds) if row.recently and row.seconds else None
    return Progress(
        total=row.total,
        done=row.done,
        embedded=row.embedded,
        skipped=row.skipped,
        rate=rate,
        workers=row.workers,
    )
