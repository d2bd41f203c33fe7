"""Reads an import's files from a path on the server, below the one folder that is allowed."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from indexer.errors import GemelError, InvalidRequest, LeaseLost
from indexer.files import open_regular, reason
from indexer.imports.reading import archive, manifest
from indexer.imports.reading.manifest import Manifest
from indexer.imports.reading.people import skipped, too_large
from indexer.imports.receive import receive
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.imports import jobs, queue, states
from indexer.records.imports.files import NewFile
from indexer.records.tables import ImportJob

log = logging.getLogger(__name__)


def check_path(folder: Path | None, path: str) -> str:
    """The normalised `path`. Raises InvalidRequest unless it exists below `folder`."""
    if folder is None:
        raise InvalidRequest(
            "imports from a path are disabled: set GEMEL_IMPORT_FOLDER to the folder with the files",
            field="path",
        )
    found = resolved(folder, path)
    if not found.is_dir() and found.suffix.lower() != ".zip":
        raise InvalidRequest("path must be a folder or a .zip file", field="path")
    return str(PurePosixPath(path))


def resolved(folder: Path, path: str) -> Path:
    """Raises InvalidRequest, also where a link leads out of `folder`."""
    try:
        root = folder.expanduser().resolve(strict=True)
        found = (root / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise InvalidRequest("there is no such path in the import folder", field="path") from None
    if found != root and root not in found.parents:
        raise InvalidRequest("there is no such path in the import folder", field="path")
    return found


def read(
    database: Database,
    worker: str,
    job: ImportJob,
    folder: Path,
    *,
    max_bytes: int,
    check_room: Callable[[Session], object],
) -> None:
    """Adds all files of the claimed `job`, and finishes it. After a kill it is done again: known files are
    not added twice. Raises LeaseLost, DatabaseUnavailable, what `check_room` raises."""
    assert job.path is not None
    with database.reading() as session:
        gallery = galleries.by_ids(session, [job.gallery_id])[job.gallery_id]

    def check(session: Session) -> None:
        check_room(session)
        if jobs.get(session, job.gallery_id, job.id).worker != worker:
            raise LeaseLost(f"another process reads the path of import {job.id}")

    by_file = job.people_by != "folder"
    problem: str | None
    try:
        root = resolved(folder, job.path)
        found = (
            archive.files_of_path(root, by_file=by_file, max_bytes=max_bytes)
            if root.is_file()
            else files_of_folder(root, by_file=by_file, max_bytes=max_bytes)
        )
        receive(database, gallery.name, job.id, found, check_room=check)
    except InvalidRequest as error:
        problem = error.message
    except OSError as error:
        problem = f"the path cannot be read: {reason(error)}"
    except GemelError:
        raise
    except Exception:  # or the import would be claimed for ever by a process that does nothing for it
        log.exception("import %s: its path was not read to the end", job.id)
        problem = "an unexpected error; the server's log has the reason"
    else:
        problem = None
    with database.transaction() as session:
        if problem is not None:
            log.warning("import %s: %s", job.id, problem)
            jobs.get(session, gallery.id, job.id, lock=True).problem = problem[:1000]
            session.flush()
        states.finish(session, gallery, job.id)


def files_of_folder(root: Path, *, by_file: bool, max_bytes: int) -> Iterator[NewFile]:
    """Links within `root` are not followed out of it. Raises OSError, InvalidRequest."""
    lines = Manifest(by_file=by_file)
    for name in manifest.NAMES:
        path = root / name
        if path.is_file() and root in path.resolve().parents:
            lines = Manifest.parse(name, _bytes(path, manifest.MAX_BYTES))
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if name in manifest.NAMES:
            continue
        person = lines.person(name)
        if isinstance(person, NewFile):
            yield person
        else:
            yield _file(root, path, name, lines, max_bytes)
    yield from lines.missing()


def _file(root: Path, path: Path, name: str, lines: Manifest, max_bytes: int) -> NewFile:
    try:
        if root not in path.resolve(strict=True).parents:
            return skipped(name, "unsafe_name", "the link leads out of the folder")
        data = _bytes(path, max_bytes)
    except (OSError, RuntimeError) as error:
        return skipped(name, "unreadable_file", f"the file cannot be read: {reason(error)}")
    if len(data) > max_bytes:
        return too_large(name, len(data), max_bytes)
    return lines.file(name, data, max_bytes=max_bytes)


def _walk(folder: Path) -> Iterator[Path]:
    """In the order of names; links to folders are not followed. Raises OSError."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        elif not entry.is_dir():
            yield entry


def _bytes(path: Path, most: int) -> bytes:
    with open_regular(path) as file:
        return file.read(most + 1)


def read_next(
    database: Database,
    worker: str,
    folder: Path,
    *,
    max_bytes: int,
    check_room: Callable[[Session], object],
) -> bool:
    """Claims an import whose path is to be read, and reads it. False if there is none."""
    with database.transaction() as session:
        job = queue.claim_path(session, worker)
    if job is None:
        return False
    try:
        read(database, worker, job, folder, max_bytes=max_bytes, check_room=check_room)
    except GemelError:
        with database.transaction() as session:
            queue.release_paths(session, worker)
        raise
    return True
