"""Receives an export file by file. It waits in PostgreSQL until it is complete, and is imported then."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import ArchiveDamaged, ArchiveInvalid, InvalidRequest, Misconfigured, UploadTooLarge
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Transfer
from indexer.records.transfer import files, jobs
from indexer.records.transfer.jobs import ExpectedFile
from indexer.transfer import importer, target
from indexer.transfer.archive import manifest as manifests
from indexer.transfer.archive.manifest import FILE_PATTERN, MAX_MANIFEST_BYTES, NAME
from indexer.weights.store import WeightStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    existing: bool = False
    """Whether the people are added to a gallery that exists."""
    join: bool = False
    model: str | None = None
    """Name of the model that embeds the crops, as the client sent it."""
    card: ModelCard | None = None
    """Of that model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    file_bytes: int
    waiting_bytes: float
    """Of all transfers together."""


def begin(
    database: Database,
    models: GalleryModels,
    store: WeightStore,
    gallery: str,
    manifest: bytes,
    options: Options,
    limits: Limits,
) -> tuple[Transfer, bool]:
    """The transfer, and whether it is new. All that the manifest says is checked now.

    Raises ArchiveInvalid, ArchiveVersionUnknown, GalleryExists, GalleryNotFound, InvalidRequest,
    UploadTooLarge, TransferExists, Busy.
    """
    if options.existing and options.model is not None:
        raise InvalidRequest("an existing gallery has a model already", field="model")
    if options.join and not options.existing:
        raise InvalidRequest("join is for an existing gallery", field="join")
    if len(manifest) > MAX_MANIFEST_BYTES:
        raise ArchiveInvalid(f"{NAME} has more than {MAX_MANIFEST_BYTES} bytes", file=NAME)
    parsed = manifests.parse(manifest)
    with database.reading() as session:
        into = galleries.get(session, gallery) if options.existing else None
        if into is None:
            importer.check_free(session, gallery)
    try:
        target.choose(models, store, parsed, into=into, model=options.card)
    except Misconfigured as error:
        raise InvalidRequest(f"model: {error.message}", field="model") from error
    for file in parsed.files:
        if file.bytes > limits.file_bytes:
            raise UploadTooLarge(
                f"{file.name} has {file.bytes} bytes, the limit is {limits.file_bytes} (GEMEL_MAX_UPLOAD_MB)",
                measured=file.bytes,
                limit=limits.file_bytes,
            )
    expected = [
        ExpectedFile(name=file.name, size=file.bytes, sha256=bytes.fromhex(file.sha256))
        for file in parsed.files
    ]
    with database.transaction(long=True) as session:
        return jobs.create(
            session,
            gallery,
            expected,
            manifest=manifest,
            sha256=hashlib.sha256(manifest).digest(),
            into_existing=options.existing,
            join_people=options.join,
            model=options.model,
            max_waiting_bytes=limits.waiting_bytes,
        )


def receive(database: Database, gallery: str, transfer_id: UUID, name: str, data: bytes) -> bool:
    """A file. Returns whether the export is complete now. A file that has arrived already changes nothing.

    Raises TransferNotFound, TransferState, ArchiveInvalid (the manifest does not name it), ArchiveDamaged.
    """
    with database.reading() as session:
        job = jobs.get(session, gallery, transfer_id)
        file = files.find(session, transfer_id, name) if FILE_PATTERN.fullmatch(name) else None
    if file is None and job.ended_at is None:
        raise ArchiveInvalid(f"the manifest of the export names no file {name[:100]!r}", file=name[:100])
    if file is not None and len(data) != file.size:
        raise ArchiveDamaged(f"{name} has {len(data)} bytes, not {file.size} as in the manifest", file=name)
    if file is not None and hashlib.sha256(data).digest() != bytes(file.sha256):
        raise ArchiveDamaged(f"{name} is damaged: it has another checksum", file=name)
    with database.transaction(long=True) as session:
        return files.add(session, gallery, transfer_id, name, data)
