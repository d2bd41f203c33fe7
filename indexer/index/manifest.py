"""What a snapshot says of itself, and the writing and checking of files by checksum.

`manifest.json` names the gallery, the model and the last change in the index, and the size and SHA-256 of
every other file of the snapshot. Its own last member is the SHA-256 of the members before it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self
from uuid import UUID

import faiss

from indexer.errors import SnapshotDamaged, SnapshotForeign
from indexer.index.build import BuildResult
from indexer.index.recall import Recall
from indexer.types import LogPosition, Part, Tier

FORMAT = 6
_WITHOUT_TEMPLATES = 5
READABLE = (_WITHOUT_TEMPLATES, FORMAT)
"""The same files; in format 5 no row is a person template."""
FILE_NAME = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What the manifest says of another file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    gallery: UUID
    model: str
    """Fingerprint."""
    dimension: int
    target: Tier
    """Tier that was requested."""
    tier: Tier
    """Tier that was built; `rejected` says why it is another."""
    rejected: str | None
    recall: Recall | None
    count: int
    """Faces; person templates are not counted."""
    applied: int
    """Number of the last change in it."""
    token: UUID
    """Token of the same change: it identifies the log that the snapshot was built from."""
    embedded_by: UUID | None
    """The re-index job that made its embeddings, if one did."""
    rebuild_number: int
    """Rebuilds of the gallery that had been requested when the build began."""
    digest: str
    created_at: datetime
    part: Part | None = None
    """Of the gallery; None for all of it."""
    format: int = FORMAT

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
        part: Part | None = None,
    ) -> "Manifest":
        searcher = built.searcher
        return cls(
            gallery=gallery,
            model=model,
            dimension=searcher.dimension,
            target=target,
            tier=searcher.tier,
            rejected=built.rejected,
            recall=built.recall,
            count=searcher.count - searcher.templates,
            applied=position.number,
            token=position.token,
            embedded_by=embedded_by,
            rebuild_number=rebuild_number,
            digest=built.digest.hex,
            created_at=datetime.now(UTC),
            part=part,
        )

    @property
    def leaves_out_templates(self) -> bool:
        """Whether the version that wrote it does not know person templates: it skips their changes."""
        return self.format == _WITHOUT_TEMPLATES

    @property
    def position(self) -> LogPosition:
        return LogPosition(number=self.applied, token=self.token)


class ChecksummedFile:
    """A new file that hashes what is written to it. Raises OSError, also where the file exists."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        self._sha256 = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self._bytes += len(data)
        return self._file.write(data)

    def finish(self) -> FileRecord:
        """Syncs the file to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return FileRecord(bytes=self._bytes, sha256=self._sha256.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def check_file(path: Path, record: FileRecord | None) -> None:
    """Raises SnapshotDamaged unless the file has the size and SHA-256 of its record."""
    try:
        size = path.stat().st_size
        if record is None or size != record.bytes:
            written = "none" if record is None else record.bytes
            raise SnapshotDamaged(f"{path} is damaged: it has {size} bytes; {written} were written")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != record.sha256:
                raise SnapshotDamaged(f"{path} is damaged: its SHA-256 is not the one that was written")
    except OSError as error:
        raise SnapshotDamaged(f"cannot read {path}: {error}") from error


def write_manifest(directory: Path, manifest: Manifest, files: Mapping[str, FileRecord]) -> None:
    """`files`: the other files of the snapshot, by name. Raises OSError."""
    members = {"format": FORMAT, "faiss": faiss.__version__} | asdict(manifest)
    members["files"] = {name: asdict(record) for name, record in files.items()}
    body = json.loads(json.dumps(members, default=str))
    body["sha256"] = _sha256_of(body)
    with ChecksummedFile(directory / FILE_NAME) as file:
        file.write(json.dumps(body, indent=2).encode())
        file.finish()


def read_manifest(directory: Path) -> tuple[Manifest, dict[str, FileRecord]]:
    """The manifest, and its records of the other files. Raises SnapshotDamaged, SnapshotForeign."""
    path = directory / FILE_NAME
    try:
        body = json.loads(path.read_bytes())
        checksum = body.pop("sha256")
        if checksum != _sha256_of(body):
            raise ValueError("its checksum is wrong")
        if body["format"] not in READABLE:
            raise SnapshotForeign(
                f"it has the format {body['format']}, not {FORMAT}: another version wrote it"
            )
        manifest = _parsed(body)
        files = {name: FileRecord(**record) for name, record in body["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SnapshotDamaged(f"cannot use {path}: {reason}") from error
    return manifest, files


def _parsed(body: dict[str, Any]) -> Manifest:
    """Raises ValueError, TypeError, KeyError, SnapshotForeign."""
    unknown = {body["target"], body["tier"]} - set(Tier)
    if unknown:
        raise SnapshotForeign(f"it is of the tier {unknown.pop()}, which this version does not have")
    return Manifest(
        gallery=UUID(body["gallery"]),
        model=body["model"],
        dimension=body["dimension"],
        target=Tier(body["target"]),
        tier=Tier(body["tier"]),
        rejected=body["rejected"],
        recall=None if body["recall"] is None else Recall(**body["recall"]),
        count=body["count"],
        applied=body["applied"],
        token=UUID(body["token"]),
        embedded_by=None if body["embedded_by"] is None else UUID(body["embedded_by"]),
        rebuild_number=body["rebuild_number"],
        digest=body["digest"],
        created_at=datetime.fromisoformat(body["created_at"]),
        part=None if body.get("part") is None else Part(**body["part"]),
        format=body["format"],
    )


def _sha256_of(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
