"""The files of an import: add, list, count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.errors import Busy, ImportFileNotFound, ImportFull, ImportState, PictureNotStored
from indexer.records.tables import ImportFile, ImportJob, ImportPicture

MAX_FILES = 1_000_000
"""In one import."""
_STATEMENT_BYTES = 4_000_000
"""Of pictures in one statement: PostgreSQL's messages are limited."""
_INSERT_PICTURES = text(
    "INSERT INTO import_picture (file_id, data)"
    " SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:pictures AS bytea[]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file that arrives. It waits for its enrolment, or is skipped for the reason in `code`."""

    name: str
    sha256: bytes
    size: int
    data: bytes | None
    """None where the file is skipped."""
    external_id: str | None = None
    person_name: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    place: Sequence[float] | None = None
    """Of the face, as `ImportFile.place`."""
    code: str | None = None
    message: str | None = None


def waiting(session: Session) -> tuple[int, int]:
    """Files that wait, of all imports, and their bytes."""
    files, size = session.execute(
        select(func.count(), func.coalesce(func.sum(ImportFile.size), 0)).where(ImportFile.state == "waiting")
    ).one()
    return files, int(size)


def check_room(session: Session, most_bytes: float) -> None:
    """Raises Busy while files of more than `most_bytes` wait."""
    _, size = waiting(session)
    if size > most_bytes:
        raise Busy(
            f"files of {size / 1e6:.0f} MB wait to be enrolled; send this again in a few seconds",
            measured=size,
            limit=int(most_bytes),
        )


def add(session: Session, job: ImportJob, new: Sequence[NewFile]) -> int:
    """Adds those that the import does not have by name and SHA-256: how many. `job` is locked.

    Raises ImportState, ImportFull.
    """
    if job.state != "receiving":
        raise ImportState(f"import {job.id} takes no more files: it is {job.state}", state=job.state)
    job.updated_at = session.scalars(select(func.clock_timestamp())).one()
    if not new:
        return 0
    held = session.scalar(select(func.count()).where(ImportFile.import_id == job.id)) or 0
    if held + len(new) > MAX_FILES:
        raise ImportFull(f"an import has at most {MAX_FILES} files", limit=MAX_FILES)
    by_key = {(file.name, file.sha256): file for file in new}
    inserted = session.execute(
        insert(ImportFile)
        .values([_row(job.id, file) for file in by_key.values()])
        .on_conflict_do_nothing(constraint="import_file_name_key")
        .returning(ImportFile.id, ImportFile.name, ImportFile.sha256)
    ).all()
    pictures: list[tuple[int, bytes]] = []
    size = 0
    for file_id, name, digest in inserted:
        data = by_key[name, bytes(digest)].data
        if data is None:
            continue
        if pictures and size + len(data) > _STATEMENT_BYTES:
            _add_pictures(session, pictures)
            pictures, size = [], 0
        pictures.append((file_id, data))
        size += len(data)
    if pictures:
        _add_pictures(session, pictures)
    return len(inserted)


def _add_pictures(session: Session, pictures: Sequence[tuple[int, bytes]]) -> None:
    values = {"ids": [file_id for file_id, _ in pictures], "pictures": [data for _, data in pictures]}
    session.execute(_INSERT_PICTURES, values)


def _row(import_id: UUID, file: NewFile) -> dict[Any, Any]:
    return {
        ImportFile.import_id: import_id,
        ImportFile.name: file.name,
        ImportFile.sha256: file.sha256,
        ImportFile.size: file.size,
        ImportFile.external_id: file.external_id,
        ImportFile.person_name: file.person_name,
        ImportFile.details: file.metadata,
        ImportFile.place: file.place,
        ImportFile.state: "waiting" if file.code is None else "skipped",
        ImportFile.code: file.code,
        ImportFile.message: file.message,
        ImportFile.done_at: None if file.code is None else func.now(),
    }


def page(
    session: Session,
    import_id: UUID,
    *,
    after: int = 0,
    limit: int,
    state: str | None = None,
    code: str | None = None,
) -> Sequence[Row[ImportFile, bool]]:
    """At most `limit` rows of a file and whether a small picture of it is stored, in the order of arrival."""
    has_picture = func.coalesce(ImportPicture.is_preview, False)
    query = (
        select(ImportFile, has_picture)
        .outerjoin(ImportPicture, ImportPicture.file_id == ImportFile.id)
        .where(ImportFile.import_id == import_id, ImportFile.id > after)
    )
    if state is not None:
        query = query.where(ImportFile.state == state)
    if code is not None:
        query = query.where(ImportFile.code == code)
    return session.execute(query.order_by(ImportFile.id).limit(limit)).all()


def preview(session: Session, import_id: UUID, file_id: int) -> bytes:
    """JPEG, of a rejected file. Raises ImportFileNotFound, PictureNotStored."""
    row = session.execute(
        select(ImportFile.state, ImportPicture.data, ImportPicture.is_preview)
        .outerjoin(ImportPicture, ImportPicture.file_id == ImportFile.id)
        .where(ImportFile.import_id == import_id, ImportFile.id == file_id)
    ).one_or_none()
    if row is None:
        raise ImportFileNotFound(f"the import has no file {file_id}", id=file_id)
    if row.data is None or not row.is_preview:
        raise PictureNotStored("only pictures that were decoded and rejected are kept", state=row.state)
    return bytes(row.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    counts: dict[str, int]
    """Files by state; each state is there."""
    reasons: dict[str, int]
    """Files that are not enrolled, by code."""
    people: int
    """Different people of the files."""
    people_enrolled: int
    """Those of them with a picture that is enrolled, by this import or before."""
    waiting_bytes: int
    files_per_second: float | None
    """Over the last minute; None if nothing was done in it."""
    last_done_at: datetime | None

    @property
    def files(self) -> int:
        return sum(self.counts.values())


STATES = ("waiting", "enrolled", "known", "rejected", "failed", "skipped", "cancelled")

_COUNTS = text("""
SELECT state, code, count(*), coalesce(sum(size) FILTER (WHERE state = 'waiting'), 0),
       count(*) FILTER (WHERE done_at > now() - interval '60 seconds' AND state <> 'skipped'),
       extract(epoch FROM clock_timestamp() - min(done_at)
               FILTER (WHERE done_at > now() - interval '60 seconds' AND state <> 'skipped')),
       max(done_at)
FROM import_file WHERE import_id = :import_id GROUP BY state, code
""")
_PEOPLE = text("""
SELECT count(*), count(*) FILTER (WHERE enrolled) FROM (
    SELECT bool_or(state IN ('enrolled', 'known')) AS enrolled
    FROM import_file WHERE import_id = :import_id AND external_id IS NOT NULL GROUP BY external_id
) AS person
""")


def progress_of(session: Session, import_id: UUID) -> Progress:
    counts, reasons = dict.fromkeys(STATES, 0), dict[str, int]()
    waiting, recent, longest, last = 0, 0, 0.0, None
    for state, code, files, size, done, seconds, done_at in session.execute(
        _COUNTS, {"import_id": import_id}
    ):
        counts[state] += files
        if code is not None:
            reasons[code] = reasons.get(code, 0) + files
        waiting += int(size)
        recent += done
        longest = max(longest, float(seconds or 0))
        last = max(filter(None, (last, done_at)), default=None)
    people, enrolled = session.execute(_PEOPLE, {"import_id": import_id}).one()
    return Progress(
        counts=counts,
        reasons=dict(sorted(reasons.items(), key=lambda item: -item[1])),
        people=people,
        people_enrolled=enrolled,
        waiting_bytes=waiting,
        files_per_second=recent / max(longest, 1.0) if recent else None,
        last_done_at=last,
    )
