"""Writes an export into a folder, or into one tar file. The manifest is last; a folder can be continued."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from indexer.errors import InvalidRequest
from indexer.files import atomic_write, open_regular, private_folder
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.transfer.archive import tar
from indexer.transfer.archive.manifest import FILE_PATTERN, NAME, File, Manifest
from indexer.transfer.export import GalleryExport, Group, Progress, record_export

PROGRESS = "export.progress"
"""What an export that is not complete has written so far: a line with the gallery, and one for each group."""
_GROUP = TypeAdapter(Group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    manifest: Manifest
    sha256: str
    """Of the manifest, and so of everything."""
    kept_files: int = 0
    """Those that an interrupted run had written."""


def to_folder(database: Database, gallery_name: str, folder: Path, *, progress: Progress) -> Exported:
    """After an interruption the same call does the rest.

    The export is of the moment of the last call: files of an earlier one are kept where nothing of them has
    changed. Raises InvalidRequest (the folder has other files, or a complete export), GalleryNotFound,
    EmbeddingsMissing, OSError.
    """
    with database.repeatable_read() as session:
        gallery = galleries.get(session, gallery_name)
        export = GalleryExport(session, gallery, progress=progress)
        with _progress_file(folder) as (file, lines):
            header = {"gallery_id": str(gallery.id), "model": export.model}
            kept = _kept(folder, header, lines)
            record_export(database, gallery, to="folder")
            if not lines:
                _append(file, header)
            count = 0
            for portion in export.portions(kept):
                for entry, data in portion.files:
                    _write(folder / entry.name, data)
                if portion.group is not None and portion.files:
                    _append(file, _GROUP.dump_python(portion.group, mode="json"))
                elif portion.group is not None:
                    count += len(portion.group.files)
            manifest = export.manifest()
            _sweep(folder, manifest)
            data = _encoded(manifest)
            _sync(folder)
            _write(folder / NAME, data)
            _sync(folder)
            (folder / PROGRESS).unlink()
    return Exported(manifest=manifest, sha256=hashlib.sha256(data).hexdigest(), kept_files=count)


def to_file(database: Database, gallery_name: str, path: Path, *, progress: Progress) -> Exported:
    """As one tar file, which appears under its name when it is complete. Raises GalleryNotFound,
    EmbeddingsMissing, OSError."""
    if path.exists():
        raise InvalidRequest(f"{path} exists already")
    with (
        atomic_write(path) as aside,
        os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
    ):
        stream = TarStream(database, gallery_name, to="file", progress=progress)
        for data in stream:
            file.write(data)
    assert stream.exported is not None
    return stream.exported


class TarStream:
    """An export as the bytes of a tar file. `exported` is there when the last of them is."""

    def __init__(
        self,
        database: Database,
        gallery_name: str,
        *,
        to: str,
        progress: Progress,
        idle_seconds: float = 0,
    ) -> None:
        """`to`: what it is written to, for the audit record. `idle_seconds`: the reader must take the next
        bytes within so long; 0: no limit."""
        self._database = database
        self._idle_seconds = idle_seconds
        self._name = gallery_name
        self._to = to
        self._progress = progress
        self.exported: Exported | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Raises GalleryNotFound, EmbeddingsMissing, DatabaseUnavailable (the reader was too slow)."""
        with self._database.repeatable_read(idle_seconds=self._idle_seconds) as session:
            gallery = galleries.get(session, self._name)
            export = GalleryExport(session, gallery, progress=self._progress)
            record_export(self._database, gallery, to=self._to)
            for portion in export.portions():
                for file, data in portion.files:
                    yield tar.entry(file.name, data)
            manifest = export.manifest()
        data = _encoded(manifest)
        yield tar.entry(NAME, data) + tar.END
        self.exported = Exported(manifest=manifest, sha256=hashlib.sha256(data).hexdigest())


@contextmanager
def _progress_file(folder: Path) -> Iterator[tuple[BufferedRandom, list[bytes]]]:
    """Open to append to, and its lines. Raises InvalidRequest, OSError."""
    if (folder / NAME).exists():
        raise InvalidRequest(f"{folder} holds a complete export; export into another folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / PROGRESS).exists():
        raise InvalidRequest(f"{folder} is not empty; export into a new folder")
    private_folder(folder)
    with (folder / PROGRESS).open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidRequest(f"another process is exporting into {folder}") from None
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):  # the process was killed while it wrote it
            file.truncate(sum(map(len, lines[:-1])))
            lines.pop()
        yield file, lines


def _kept(folder: Path, header: dict[str, str | None], lines: list[bytes]) -> dict[int, Group]:
    """The groups of an interrupted run whose files are as they were written. Raises InvalidRequest."""
    if not lines:
        return {}
    try:
        if json.loads(lines[0]) != header:
            raise InvalidRequest(
                f"{folder} has an interrupted export of another gallery or model; delete the folder"
            )
        groups = {group.number: group for group in map(_GROUP.validate_json, lines[1:])}
    except (ValueError, ValidationError):
        raise InvalidRequest(f"{folder / PROGRESS} is damaged; delete the folder") from None
    return {
        number: group
        if all(_is_intact(folder, file) for file in group.files)
        else Group(number=number, last_key=group.last_key, digest="damaged", files=[])
        for number, group in groups.items()
    }


def _is_intact(folder: Path, file: File) -> bool:
    try:
        with open_regular(folder / file.name) as opened:
            return hashlib.sha256(opened.read(file.bytes + 1)).hexdigest() == file.sha256
    except OSError:
        return False


def _append(file: BufferedRandom, line: object) -> None:
    file.write(json.dumps(line).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _write(path: Path, data: bytes) -> None:
    with atomic_write(path) as aside:
        aside.write_bytes(data)


def _sweep(folder: Path, manifest: Manifest) -> None:
    """Deletes files of an earlier run that the export no longer has."""
    listed = {file.name for file in manifest.files}
    for path in folder.iterdir():
        name = path.name.removesuffix(".aside")
        if FILE_PATTERN.fullmatch(name) and path.name not in listed:
            path.unlink()


def _encoded(manifest: Manifest) -> bytes:
    return manifest.model_dump_json(indent=1).encode() + b"\n"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
