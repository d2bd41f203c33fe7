"""The status of an import."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.imports import files, jobs
from indexer.records.imports.files import Progress
from indexer.records.tables import ImportJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    job: ImportJob
    gallery: str
    progress: Progress

    @property
    def seconds_left(self) -> float | None:
        """Until all files that have arrived, or are announced, are enrolled, at the recent rate."""
        rate = self.progress.files_per_second
        if rate is None or self.job.ended_at is not None:
            return None
        waiting = self.progress.counts["waiting"]
        if self.job.state == "receiving" and self.job.files_expected is not None:
            waiting += max(0, self.job.files_expected - self.progress.files)
        return waiting / rate

    @property
    def summary(self) -> str:
        """In words."""
        progress = self.progress
        words = f"{progress.people_enrolled:,} of {_counted(progress.people, 'person', 'people')} enrolled"
        if self.job.people_by == "nobody":
            enrolled = progress.counts["enrolled"] + progress.counts["known"]
            words = f"{enrolled:,} of {_counted(progress.files, 'picture', 'pictures')} enrolled"
        for state in ("rejected", "failed", "skipped"):
            if count := progress.counts[state]:
                words += f", {_counted(count, 'file', 'files')} {state}"
        if waiting := progress.counts["waiting"]:
            words += f", {waiting:,} waiting"
        if self.waits_for is not None:
            words += f": {self.waits_for}"
        return words

    @property
    def waits_for(self) -> str | None:
        """Why no process enrols the files that wait; None: nothing is known to hinder it."""
        waits = self.job.ended_at is None and self.progress.counts["waiting"] > 0
        return self.job.waits_for if waits else None


def of(database: Database, gallery: str, import_id: UUID) -> Status:
    """Raises GalleryNotFound, ImportNotFound."""
    with database.reading() as session:
        found = galleries.get(session, gallery)
        return _status(session, gallery, jobs.get(session, found.id, import_id))


def newest_first(
    database: Database, gallery: str, *, before: UUID | None = None, at_most: int
) -> Sequence[Status]:
    """Raises GalleryNotFound."""
    with database.reading() as session:
        found = galleries.get(session, gallery)
        newest = jobs.newest_first(session, found.id, before=before, at_most=at_most)
        return [_status(session, gallery, job) for job in newest]


def open_ones(
    database: Database, *, patterns: Sequence[str] | None, before: UUID | None = None, at_most: int
) -> Sequence[Status]:
    """Those of all galleries that have not ended, the newest first. `patterns`: of galleries, as in
    `galleries.page`."""
    with database.reading() as session:
        found = jobs.open_newest_first(session, patterns=patterns, before=before, at_most=at_most)
        return [_status(session, gallery, job) for job, gallery in found]


def _status(session: Session, gallery: str, job: ImportJob) -> Status:
    return Status(job=job, gallery=gallery, progress=files.progress_of(session, job.id))


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"
