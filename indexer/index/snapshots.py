"""Snapshots: indexes on disk. A snapshot is a directory that is either complete and correct, or not used.

A snapshot is written beside the others under a hidden name, every file is synced, then the directory is
renamed. A writer that is killed leaves a hidden directory, which the next writer deletes. A snapshot is
never changed after that: later changes are replayed from the change log.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import SnapshotDamaged, SnapshotForeign
from indexer.files import locked, private_folder
from indexer.index.build import BuildResult
from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.index.manifest import (
    ChecksummedFile,
    FileRecord,
    Manifest,
    check_file,
    read_manifest,
    write_manifest,
)
from indexer.index.searcher import FaissSearcher
from indexer.types import Part

_INDEX, _KEYS, _OWNERS = "index.faiss", "keys.npy", "owners.npy"
_LOCKS = "locks"
"""Directory beside the galleries' own: a lock file must outlive what it protects."""
_PARTS = ".parts"
"""Directory within a model's, of the parts that shards hold: hidden, for it is not a snapshot."""
_DAMAGED = ".damaged"
_STAMP = "%Y%m%dT%H%M%S%f"


class SnapshotStore:
    """The snapshots of one gallery, or of a part of it, by one model, in a directory of their own."""

    def __init__(self, root: Path, gallery: UUID, model: str, part: Part | None = None) -> None:
        """`root`: directory of all galleries; `model`: fingerprint. Directories are created by `write`."""
        self._gallery = gallery
        self._model = model
        self._part = part
        self.path = root / str(gallery) / model
        if part is None:
            self._lock = root / _LOCKS / f"{gallery}-{model}.lock"
        else:
            self._lock = root / _LOCKS / f"{gallery}-{model}-{part.name}.lock"
            self.path = self.path / _PARTS / part.name

    def names(self) -> list[str]:
        """The snapshot that was written last comes first.

        Its change number may be lower than an older one's, where PostgreSQL was restored from a backup in
        between.
        """
        try:
            found = (p.name for p in self.path.iterdir() if _is_snapshot(p))
            return sorted(found, key=_written_at, reverse=True)
        except OSError:  # no such directory, or a failing disk: there is nothing to load
            return []

    def manifest(self, name: str) -> Manifest:
        """Does not read the other files. Raises SnapshotDamaged, SnapshotForeign."""
        return read_manifest(self.path / name)[0]

    def load(self, name: str) -> tuple[LiveIndex, Manifest]:
        """Raises SnapshotDamaged where any file is not as it was written, SnapshotForeign."""
        directory = self.path / name
        manifest, files = read_manifest(directory)
        if manifest.gallery != self._gallery:
            raise SnapshotForeign(f"{directory} is of another gallery, {manifest.gallery}")
        if manifest.model != self._model:
            raise SnapshotForeign(f"{directory} is of another model, {manifest.model}, not {self._model}")
        if manifest.part != self._part:
            raise SnapshotForeign(f"{directory} is of another part of the gallery, {manifest.part}")
        for file_name in (_INDEX, _KEYS, _OWNERS):
            check_file(directory / file_name, files.get(file_name))
        try:
            index = faiss.read_index(str(directory / _INDEX))
            keys, owners = np.load(directory / _KEYS), np.load(directory / _OWNERS)
            searcher = FaissSearcher(manifest.tier, index, keys, owners)
        except (RuntimeError, ValueError, OSError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise SnapshotDamaged(f"cannot read {directory}: {reason}") from error
        live = LiveIndex(searcher, position=manifest.position, digest=Digest.from_hex(manifest.digest))
        return live, manifest

    def write(self, built: BuildResult, manifest: Manifest) -> str:
        """Writes a snapshot and returns its name. Call it within `locked`.

        Raises OSError; then at most a hidden directory is left behind.
        """
        private_folder(self.path)
        for leftover in self.path.glob(".*.new"):
            shutil.rmtree(leftover, ignore_errors=True)
        name = self._name(manifest)
        hidden = self.path / f".{name}.new"
        hidden.mkdir(mode=0o700)
        try:
            files = {
                _INDEX: write_index(hidden / _INDEX, built.searcher.index),
                _KEYS: write_array(hidden / _KEYS, built.searcher.keys),
                _OWNERS: write_array(hidden / _OWNERS, built.searcher.owners),
            }
            write_manifest(hidden, manifest, files)
            _sync(hidden)
            os.rename(hidden, self.path / name)
            _sync(self.path)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        return name

    def quarantine(self, name: str) -> None:
        """Renames a damaged snapshot, so that it is not loaded again. `prune` deletes it."""
        with contextlib.suppress(OSError):
            os.rename(self.path / name, self.path / (name + _DAMAGED))

    def prune(self, keep: int) -> list[str]:
        """Deletes all but the newest `keep`, and those in quarantine. Returns the deleted names."""
        if not self.path.exists():
            return []
        old = self.names()[keep:]
        damaged = sorted(p.name for p in self.path.iterdir() if p.name.endswith(_DAMAGED))
        for name in old + damaged:
            doomed = self.path / f".{name}.new"  # a reader sees the whole snapshot, or none
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.path / name, doomed)
                shutil.rmtree(doomed, ignore_errors=True)
        return old + damaged

    def remove(self) -> None:
        """Deletes the directory and everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Excludes the other processes of this machine; waits until it can. Raises OSError."""
        with locked(self._lock):
            yield

    def _name(self, manifest: Manifest) -> str:
        """Holds a later time than the names of all others, even if the clock was set back."""
        stamp = manifest.created_at.strftime(_STAMP)
        newest = max(map(_written_at, self.names()), default="")
        if stamp <= newest:
            with contextlib.suppress(ValueError, OverflowError):
                later = datetime.strptime(newest, _STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1)
                stamp = later.strftime(_STAMP)
        return f"{manifest.applied:012d}-{stamp}-{secrets.token_hex(2)}"


def gallery_ids(root: Path) -> list[UUID]:
    """The galleries that have a directory under `root`."""
    found = []
    try:
        for path in sorted(root.iterdir()):
            with contextlib.suppress(ValueError):
                found.append(UUID(path.name))
    except OSError:
        pass
    return found


def models(root: Path, gallery: UUID) -> set[str]:
    """Names in the gallery's directory: fingerprints of models, and whatever else lies there."""
    try:
        return {path.name for path in (root / str(gallery)).iterdir()}
    except OSError:
        return set()


def parts(root: Path, gallery: UUID, model: str) -> list[Part]:
    """Those that have a directory, in order."""
    found = []
    try:
        for path in (root / str(gallery) / model / _PARTS).iterdir():
            with contextlib.suppress(ValueError):
                found.append(Part.from_name(path.name))
    except OSError:
        pass
    return sorted(found, key=lambda part: (part.shards, part.block, part.shard))


def remove_model(root: Path, gallery: UUID, name: str) -> None:
    """Deletes one of `models`, with everything in it."""
    path = root / str(gallery) / name
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_gallery(root: Path, gallery: UUID) -> None:
    """Deletes the snapshots of a gallery by all models."""
    shutil.rmtree(root / str(gallery), ignore_errors=True)


def write_index(path: Path, index: Any) -> FileRecord:
    with ChecksummedFile(path) as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))
        return file.finish()


def write_array(path: Path, array: NDArray[np.int64]) -> FileRecord:
    with ChecksummedFile(path) as file:
        np.lib.format.write_array(file, array)
        return file.finish()


def _written_at(name: str) -> str:
    """The time in a snapshot's name."""
    return name.split("-")[1] if "-" in name else ""


def _is_snapshot(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and not path.name.endswith(_DAMAGED)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
