"""Files of a ZIP archive. Nothing is unpacked to a disk, and no entry is read beyond its limit."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import InvalidRequest
from indexer.imports.reading import manifest
from indexer.imports.reading.manifest import Manifest
from indexer.imports.reading.people import common_folder, skipped, too_large
from indexer.records.imports.files import NewFile

MAX_ENTRIES = 100_000
"""Of an archive that is sent; a client sends several."""
MAX_EXPANSION = 4
"""All entries together may have so many times the bytes of the largest body: pictures hardly shrink."""
_ENTRY = b"PK\x01\x02"
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, RuntimeError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions that are read. Of others, `zipfile` unpacks all that an entry's bytes hold at once: some
hundred bytes fill the memory."""


def files_of_upload(body: bytes, *, by_file: bool, max_bytes: int) -> Iterator[NewFile]:
    """`max_bytes`: of one entry. Raises InvalidRequest for an archive that cannot be read or is too large."""
    if body.count(_ENTRY) > MAX_ENTRIES:
        raise InvalidRequest(f"the archive has more than {MAX_ENTRIES} entries; send several archives")
    with _opened(io.BytesIO(body)) as archive:
        total = sum(entry.file_size for entry in archive.infolist())
        if total > MAX_EXPANSION * max_bytes:
            raise InvalidRequest(
                f"the archive unpacks to {total} bytes, more than {MAX_EXPANSION} times the largest body of"
                f" {max_bytes} bytes; send several archives",
                measured=total,
                limit=MAX_EXPANSION * max_bytes,
            )
        yield from _files(archive, by_file=by_file, max_bytes=max_bytes)


def files_of_path(path: Path, *, by_file: bool, max_bytes: int) -> Iterator[NewFile]:
    """Of an archive on this machine, of whatever size. Raises InvalidRequest, OSError."""
    with path.open("rb") as file, _opened(file) as archive:
        yield from _files(archive, by_file=by_file, max_bytes=max_bytes)


def _opened(file: io.BytesIO | io.BufferedReader) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise InvalidRequest(f"the ZIP archive cannot be read: {error}") from None


def _files(archive: zipfile.ZipFile, *, by_file: bool, max_bytes: int) -> Iterator[NewFile]:
    entries = [(_name(entry), entry) for entry in archive.infolist() if not entry.is_dir()]
    folder = common_folder([name for name, _ in entries])
    lines = Manifest(by_file=by_file)
    for name, entry in entries:
        if name.removeprefix(folder) in manifest.NAMES:
            lines = Manifest.parse(name, _manifest(archive, entry))
    for whole, entry in entries:
        name = whole.removeprefix(folder)
        if name in manifest.NAMES:
            continue
        person = lines.person(name)
        if isinstance(person, NewFile):
            yield person
            continue
        why = _unusable(entry)
        if why is not None:
            yield skipped(name, *why)
            continue
        try:
            data = _read(archive, entry, max_bytes)
        except _DAMAGED as error:
            yield skipped(name, "unreadable_file", f"the archive is damaged here: {error}")
            continue
        yield (
            too_large(name, len(data), max_bytes)
            if len(data) > max_bytes
            else lines.file(name, data, max_bytes=max_bytes)
        )
    yield from lines.missing()


def _name(entry: zipfile.ZipInfo) -> str:
    """Windows programs write backslashes."""
    return entry.filename if "/" in entry.filename else entry.filename.replace("\\", "/")


def _unusable(entry: zipfile.ZipInfo) -> tuple[str, str] | None:
    if entry.flag_bits & 1:
        return "encrypted_file", "the archive's entry has a password"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "not_a_file", "a link or a device"
    if entry.compress_type not in _METHODS:
        return (
            "unreadable_file",
            "the archive uses an unsupported compression method; create it with deflate",
        )
    return None


def _manifest(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Raises InvalidRequest: without it, nobody knows whom the pictures show."""
    why = _unusable(entry)
    if why is not None:
        raise InvalidRequest(f"{entry.filename} cannot be read: {why[1]}")
    try:
        data = _read(archive, entry, manifest.MAX_BYTES)
    except _DAMAGED as error:
        raise InvalidRequest(f"{entry.filename} is damaged: {error}") from None
    if len(data) > manifest.MAX_BYTES:
        raise InvalidRequest(f"{entry.filename} has more than {manifest.MAX_BYTES} bytes")
    return data


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """One byte more than `max_bytes` at most, whatever the archive says of the entry's size."""
    with archive.open(entry) as file:
        return file.read(max_bytes + 1)
