"""Exports a gallery: all that it is at one moment, in portions of some megabytes.

One transaction (REPEATABLE READ) reads everything, so an export has what was enrolled before it began, and
nothing of what is enrolled, merged or deleted meanwhile.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from indexer.records import models
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled.contents import missing_embeddings
from indexer.records.tables import Gallery, Model
from indexer.records.transfer import read
from indexer.transfer.archive import encode, policy
from indexer.transfer.archive.encode import Files
from indexer.transfer.archive.manifest import (
    FORMAT,
    VERSION,
    Change,
    Counts,
    ExportedCalibration,
    ExportedGallery,
    ExportedModel,
    File,
    Manifest,
)
from indexer.types import Keys, PersonScore

FACES_OF_A_GROUP = 2_000
"""With their crops they take some 20 MB."""
IDENTITIES_OF_A_FILE = 10_000
PAIRS_OF_A_FILE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Faces that are in files of their own: those with keys up to `last_key` that no earlier group has."""

    number: int
    last_key: int
    digest: str
    """Of the keys and of what there is of each face. Faces never change, so that equal digests mean equal
    files: an interrupted export keeps them."""
    files: list[File]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Files, one or three, that are written together."""

    files: Files
    group: Group | None = None
    """Of faces; with no files where those that an earlier run has written are kept."""


Progress = Callable[[int, int], object]
"""Gets the number of faces so far, and of all."""


class GalleryExport:
    """One export. Iterate over `portions`; afterwards `manifest` describes them."""

    def __init__(self, session: Session, gallery: Gallery, *, progress: Progress) -> None:
        """`session` comes from `Database.repeatable_read`. Raises EmbeddingsMissing."""
        self._session = session
        self._gallery = gallery
        self._progress = progress
        self._files: list[File] = []
        self._model: Model | None = None
        if gallery.model_id is not None:
            self._model = models.get(session, gallery.model_id)
        self._faces = read.face_keys(session, gallery.id, gallery.model_id)
        missing = int((~self._faces.embedded).sum())
        if missing:
            raise missing_embeddings(missing, gallery.model_fingerprint or "any")

    @property
    def model(self) -> str | None:
        """Fingerprint."""
        return None if self._model is None else self._model.fingerprint

    def portions(self, kept: Mapping[int, Group] | None = None) -> Iterator[Portion]:
        """`kept`: groups of an earlier run, by their number, whose files are undamaged."""
        kept = kept or {}
        done = 0
        for number, keys in enumerate(self._groups(kept), start=1):
            digest = self._digest(keys)
            known = kept.get(number)
            if known is not None and known.digest == digest:
                self._files += known.files
                yield Portion(files=[], group=known)
            elif len(keys):
                assert self._model is not None
                rows = read.faces(self._session, keys, self._model.id)
                files = encode.faces(number, rows, self._model.dimension)
                group = Group(
                    number=number, last_key=int(keys[-1]), digest=digest, files=[file for file, _ in files]
                )
                yield self._portion(files, group)
            done += len(keys)
            self._progress(done, len(self._faces.keys))
        people = read.identities(self._session, self._gallery.id, IDENTITIES_OF_A_FILE)
        for number, identities in enumerate(people, start=1):
            yield self._portion(encode.identities(number, identities))
        pairs = read.distinct_people(self._session, self._gallery.id)
        for number, start in enumerate(range(0, len(pairs), PAIRS_OF_A_FILE), start=1):
            yield self._portion(encode.distinct_people(number, pairs[start : start + PAIRS_OF_A_FILE]))

    def manifest(self) -> Manifest:
        gallery = self._gallery

        def rows(kind: str) -> int:
            return sum(file.rows for file in self._files if file.kind == kind)

        calibrations = read.calibrations(self._session, gallery.id, gallery.model_id)
        return Manifest(
            format=FORMAT,
            version=VERSION,
            gemel=version("gemel"),
            created_at=datetime.now(UTC),
            gallery=ExportedGallery(
                id=gallery.id,
                name=gallery.name,
                created_at=gallery.created_at,
                last_change=Change(number=gallery.change_number, token=gallery.change_token),
            ),
            policy=policy.of_gallery(gallery),
            model=self._model
            and ExportedModel(
                fingerprint=self._model.fingerprint,
                name=self._model.name,
                dimension=self._model.dimension,
                mirror=self._model.mirror,
            ),
            calibrations=[
                ExportedCalibration(
                    source=row.source,
                    person_score=PersonScore(row.person_score),
                    parameters=row.parameters,
                    created_at=row.created_at,
                )
                for row in calibrations
            ],
            counts=Counts(
                identities=rows("identities"),
                faces=rows("faces"),
                crops=rows("crops"),
                distinct_pairs=rows("distinct"),
                bytes=sum(file.bytes for file in self._files),
            ),
            files=self._files,
        )

    def _portion(self, files: Files, group: Group | None = None) -> Portion:
        self._files += [file for file, _ in files]
        return Portion(files=files, group=group)

    def _groups(self, kept: Mapping[int, Group]) -> Iterator[Keys]:
        """The keys of each. The kept groups have their old limits, so that a deletion changes one of them."""
        keys, start, number = self._faces.keys, 0, 1
        while number in kept:
            end = int(np.searchsorted(keys, kept[number].last_key, side="right"))
            yield keys[start:end]
            start, number = end, number + 1
        for first in range(start, len(keys), FACES_OF_A_GROUP):
            yield keys[first : first + FACES_OF_A_GROUP]

    def _digest(self, keys: Keys) -> str:
        if not len(keys):
            return ""
        start = int(np.searchsorted(self._faces.keys, keys[0]))
        flags = self._faces.with_crop[start : start + len(keys)]
        return hashlib.sha256(keys.tobytes() + flags.tobytes() + (self.model or "").encode()).hexdigest()


def record_export(database: Database, gallery: Gallery, *, to: str) -> None:
    """In the audit record, before any of it leaves. `to`: what it is written to."""
    with database.transaction() as session:
        record(
            session,
            AuditEvent(
                action=Action.GALLERY_EXPORTED,
                gallery=gallery.name,
                details={
                    "gallery_id": gallery.id,
                    "faces": gallery.face_count,
                    "change_number": gallery.change_number,
                    "to": to,
                },
            ),
        )
