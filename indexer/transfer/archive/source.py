"""Reads the files of an export, from a folder or from a tar file, each by its name and at once."""

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Protocol

from indexer.errors import ArchiveDamaged, ArchiveInvalid
from indexer.files import open_regular
from indexer.transfer.archive import tar
from indexer.transfer.archive.manifest import MAX_MANIFEST_BYTES, NAME, File, Manifest, parse


class Source(Protocol):
    def read(self, name: str, at_most: int) -> bytes | None:
        """Up to `at_most` bytes; None where there is no such file. Raises ArchiveInvalid, OSError."""


class FolderSource:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str, at_most: int) -> bytes | None:
        path = self._folder / name
        try:
            if stat.S_ISLNK(os.lstat(path).st_mode):
                raise ArchiveInvalid(f"{name} is a link", file=name)
            with open_regular(path) as file:
                return file.read(at_most)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise


class TarSource:
    def __init__(self, path: Path) -> None:
        """Raises ArchiveInvalid, ArchiveDamaged, OSError."""
        self._path = path
        self._places = tar.places(path)

    def read(self, name: str, at_most: int) -> bytes | None:
        if name not in self._places:
            return None
        offset, length = self._places[name]
        with open_regular(self._path) as file:
            file.seek(offset)
            return file.read(min(length, at_most))


def open_source(path: Path) -> Source:
    """Raises ArchiveInvalid, ArchiveDamaged, OSError."""
    return FolderSource(path) if path.is_dir() else TarSource(path)


def read_manifest(source: Source) -> tuple[Manifest, str]:
    """And its SHA-256. Raises ArchiveInvalid, ArchiveDamaged, ArchiveVersionUnknown, OSError."""
    data = source.read(NAME, MAX_MANIFEST_BYTES + 1)
    if data is None:
        raise ArchiveDamaged(
            f"there is no {NAME}: this is not an export, or one that was interrupted", file=NAME
        )
    if len(data) > MAX_MANIFEST_BYTES:
        raise ArchiveInvalid(f"{NAME} has more than {MAX_MANIFEST_BYTES} bytes", file=NAME)
    return parse(data), hashlib.sha256(data).hexdigest()


def read_file(source: Source, file: File) -> bytes:
    """Raises ArchiveDamaged where it is not as the manifest says, ArchiveInvalid, OSError."""
    data = source.read(file.name, file.bytes + 1)
    if data is None:
        raise ArchiveDamaged(f"{file.name} is missing", file=file.name)
    if len(data) != file.bytes:
        raise ArchiveDamaged(f"{file.name} does not have the {file.bytes} bytes it should", file=file.name)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ArchiveDamaged(f"{file.name} is damaged: it has another checksum", file=file.name)
    return data
