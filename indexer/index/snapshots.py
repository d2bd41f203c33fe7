"""Indexes on disk. A snapshot is a directory that is either whole and right, or not used.

It is written aside, every file synced, and renamed; whoever is killed on the way leaves a directory
with a leading dot, which the next writer removes. The manifest says of which gallery and model it is,
which change is the last one in it, and the size and SHA-256 of every file; its last member is its own.
It is never changed afterwards: what happens later is replayed from the change log.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self
from uuid import UUID

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import SnapshotDamaged, SnapshotForeign
from indexer.files import locked, private_folder
from indexer.index.build import BuildResult
from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.index.recall import Recall
from indexer.index.searcher import FaissSearcher
from indexer.types import LogPosition, Tier

FORMAT = 5
_INDEX, _KEYS, _OWNERS, _MANIFEST = "index.faiss", "keys.npy", "owners.npy", "manifest.json"
_LOCKS = "locks"
"""Beside the galleries: a lock file must outlive what it protects."""
_DAMAGED = ".damaged"
_STAMP = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    gallery: UUID
    model: str
    """Fingerprint."""
    dimension: int
    target: Tier
    """What was asked for."""
    tier: Tier
    """What it is; see `rejected`."""
    rejected: str | None
    recall: Recall | None
    count: int
    applied: int
    """Number of the last change in it."""
    token: UUID
    """Of the same change: what tells the log that it was made from."""
    embedded_by: UUID | None
    """The re-index job that made its embeddings, if one did."""
    rebuild_number: int
    """How often a rebuild had been asked for when it was begun."""
    digest: str
    created_at: datetime

    @classmethod
    def of(
        cls,
        built: BuildResult,
        *,
        gallery: UUID,
        model: str,
        target: Tier,
        position: LogPosition,
        rebuild_number: int,
        embedded_by: UUID | None = None,
    ) -> "Manifest":
        searcher = built.searcher
        return cls(
            gallery=gallery,
            model=model,
            dimension=searcher.index.d,
            target=target,
            tier=searcher.tier,
            rejected=built.rejected,
            recall=built.recall,
            count=searcher.count,
            applied=position.number,
            token=position.token,
            embedded_by=embedded_by,
            rebuild_number=rebuild_number,
            digest=built.digest.hex,
            created_at=datetime.now(UTC),
        )

    @property
    def position(self) -> LogPosition:
        return LogPosition(number=self.applied, token=self.token)


class SnapshotStore:
    """The snapshots of one gallery by one model, in a directory of their own."""

    def __init__(self, root: Path, gallery: UUID, model: str) -> None:
        """`root`: of all galleries; `model`: fingerprint. Nothing is made until something is written."""
        self._gallery = gallery
        self._model = model
        self._lock = root / _LOCKS / f"{gallery}-{model}.lock"
        self.path = root / str(gallery) / model

    def names(self) -> list[str]:
        """The one that was written last comes first. Its number may be lower than an older one's, where
        PostgreSQL was restored from a backup between them."""
        try:
            found = (p.name for p in self.path.iterdir() if _is_snapshot(p))
            return sorted(found, key=_written_at, reverse=True)
        except OSError:  # not there, or a disk that fails: then there is nothing to load
            return []

    def manifest(self, name: str) -> Manifest:
        """Without reading the files that it speaks of. Raises SnapshotDamaged, SnapshotForeign."""
        return _manifest(self.path / name)[0]

    def load(self, name: str) -> tuple[LiveIndex, Manifest]:
        """Raises SnapshotDamaged, where anything at all is not as it was written, SnapshotForeign."""
        directory = self.path / name
        manifest, files = _manifest(directory)
        if manifest.gallery != self._gallery:
            raise SnapshotForeign(f"{directory} is of another gallery, {manifest.gallery}")
        if manifest.model != self._model:
            raise SnapshotForeign(f"{directory} is of another model, {manifest.model}, not {self._model}")
        for file_name in (_INDEX, _KEYS, _OWNERS):
            _check(directory / file_name, files.get(file_name))
        try:
            index = faiss.read_index(str(directory / _INDEX))
            keys, owners = np.load(directory / _KEYS), np.load(directory / _OWNERS)
            searcher = FaissSearcher(manifest.tier, index, keys, owners)
        except (RuntimeError, ValueError, OSError) as error:
            raise SnapshotDamaged(f"{directory} cannot be read: {_first_line(error)}") from error
        live = LiveIndex(searcher, position=manifest.position, digest=Digest.from_hex(manifest.digest))
        return live, manifest

    def write(self, built: BuildResult, manifest: Manifest) -> str:
        """Its name. Call it within `locked`. Raises OSError, with nothing left behind but what is hidden."""
        private_folder(self.path)
        for leftover in self.path.glob(".*.new"):
            shutil.rmtree(leftover, ignore_errors=True)
        name = self._name(manifest)
        aside = self.path / f".{name}.new"
        aside.mkdir(mode=0o700)
        try:
            files = {
                _INDEX: _write_index(aside / _INDEX, built.searcher.index),
                _KEYS: _write_array(aside / _KEYS, built.searcher.keys),
                _OWNERS: _write_array(aside / _OWNERS, built.searcher.owners),
            }
            _write_manifest(aside / _MANIFEST, manifest, files)
            _sync(aside)
            os.rename(aside, self.path / name)
            _sync(self.path)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        return name

    def quarantine(self, name: str) -> None:
        """What turned out to be damaged is not tried again, and kept to be looked at until `prune`."""
        with contextlib.suppress(OSError):
            os.rename(self.path / name, self.path / (name + _DAMAGED))

    def prune(self, keep: int) -> list[str]:
        """Removes all but the newest `keep`, and what is damaged; the names of what it removed."""
        if not self.path.exists():
            return []
        old = self.names()[keep:]
        damaged = sorted(p.name for p in self.path.iterdir() if p.name.endswith(_DAMAGED))
        for name in old + damaged:
            doomed = self.path / f".{name}.new"  # a reader sees it whole, or not at all
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.path / name, doomed)
                shutil.rmtree(doomed, ignore_errors=True)
        return old + damaged

    def remove(self) -> None:
        """With everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Waits until no other process of this machine is at work here. Raises OSError."""
        with locked(self._lock):
            yield

    def _name(self, manifest: Manifest) -> str:
        """With a later time than all that are there, whatever became of the clock."""
        stamp = manifest.created_at.strftime(_STAMP)
        newest = max(map(_written_at, self.names()), default="")
        if stamp <= newest:
            with contextlib.suppress(ValueError, OverflowError):
                later = datetime.strptime(newest, _STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1)
                stamp = later.strftime(_STAMP)
        return f"{manifest.applied:012d}-{stamp}-{secrets.token_hex(2)}"


def gallery_ids(root: Path) -> list[UUID]:
    """Of the galleries that have a directory under `root`."""
    found = []
    try:
        for path in sorted(root.iterdir()):
            with contextlib.suppress(ValueError):
                found.append(UUID(path.name))
    except OSError:
        pass
    return found


def models(root: Path, gallery: UUID) -> set[str]:
    """Fingerprints by which indexes of the gallery lie there, and whatever else does."""
    try:
        return {path.name for path in (root / str(gallery)).iterdir()}
    except OSError:
        return set()


def remove_model(root: Path, gallery: UUID, name: str) -> None:
    """One of `models`, with everything in it."""
    path = root / str(gallery) / name
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_gallery(root: Path, gallery: UUID) -> None:
    """By all models."""
    shutil.rmtree(root / str(gallery), ignore_errors=True)


def _written_at(name: str) -> str:
    """The time in a snapshot's name."""
    return name.split("-")[1] if "-" in name else ""


def _is_snapshot(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and not path.name.endswith(_DAMAGED)


class _Hashing:
    """A file that knows the SHA-256 of what was written to it, and syncs it at the end."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        self._sha256 = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self._bytes += len(data)
        return self._file.write(data)

    def finish(self) -> dict[str, Any]:
        """What the manifest says of the file, which is on the disk from here on."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return {"bytes": self._bytes, "sha256": self._sha256.hexdigest()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _write_index(path: Path, index: Any) -> dict[str, Any]:
    with _Hashing(path) as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))
        return file.finish()


def _write_array(path: Path, array: NDArray[np.int64]) -> dict[str, Any]:
    with _Hashing(path) as file:
        np.lib.format.write_array(file, array)
        return file.finish()


def _write_manifest(path: Path, manifest: Manifest, files: dict[str, Any]) -> None:
    members = {"format": FORMAT, "faiss": faiss.__version__} | asdict(manifest) | {"files": files}
    body = json.loads(json.dumps(members, default=str))
    body["sha256"] = _sha256_of(body)
    with _Hashing(path) as file:
        file.write(json.dumps(body, indent=2).encode())
        file.finish()


def _manifest(directory: Path) -> tuple[Manifest, dict[str, Any]]:
    """And the files that it speaks of. Raises SnapshotDamaged, SnapshotForeign."""
    try:
        body = json.loads((directory / _MANIFEST).read_bytes())
        checksum = body.pop("sha256")
        if checksum != _sha256_of(body):
            raise ValueError("its checksum is wrong")
        if body["format"] != FORMAT:
            raise SnapshotForeign(
                f"it has the format {body['format']}, not {FORMAT}: another version wrote it"
            )
        recall = body["recall"]
        manifest = Manifest(
            gallery=UUID(body["gallery"]),
            model=body["model"],
            dimension=body["dimension"],
            target=Tier(body["target"]),
            tier=Tier(body["tier"]),
            rejected=body["rejected"],
            recall=None if recall is None else Recall(**recall),
            count=body["count"],
            applied=body["applied"],
            token=UUID(body["token"]),
            embedded_by=None if body["embedded_by"] is None else UUID(body["embedded_by"]),
            rebuild_number=body["rebuild_number"],
            digest=body["digest"],
            created_at=datetime.fromisoformat(body["created_at"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SnapshotDamaged(f"{directory / _MANIFEST} cannot be used: {_first_line(error)}") from error
    return manifest, body["files"]


def _sha256_of(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _check(path: Path, noted: dict[str, Any] | None) -> None:
    """Raises SnapshotDamaged."""
    try:
        size = path.stat().st_size
        if noted is None or size != noted["bytes"]:
            raise SnapshotDamaged(f"{path} has {size} bytes, not those that were written")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != noted["sha256"]:
                raise SnapshotDamaged(f"{path} is damaged: its SHA-256 is not the one that was written")
    except OSError as error:
        raise SnapshotDamaged(f"{path} cannot be read: {error}") from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
