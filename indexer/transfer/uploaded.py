"""Imports an uploaded export, by the worker that holds it.

A worker that is killed leaves what it has imported. The next one begins again: whoever is in the gallery
already is not added twice.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from uuid import UUID

from indexer.callers import Caller, current_caller
from indexer.concurrency import in_background
from indexer.embedding.card import ModelCard
from indexer.errors import (
    Conflict,
    EmbeddingsMissing,
    GemelError,
    InvalidInput,
    Misconfigured,
    NotFound,
)
from indexer.pipeline.models import GalleryModels
from indexer.pipeline.pipeline import Pipeline
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.tables import Transfer
from indexer.records.transfer import files, leases
from indexer.transfer import importer, target
from indexer.transfer.archive.check import check
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.manifest import NAME
from indexer.transfer.embed import Embed, FromCrops, as_exported
from indexer.transfer.importer import GalleryImport, Imported
from indexer.transfer.target import Target
from indexer.weights.store import WeightStore

log = logging.getLogger(__name__)

FINAL = (InvalidInput, Conflict, NotFound, Misconfigured, EmbeddingsMissing)
"""Errors that every attempt would have. Others, such as no connection to PostgreSQL, may not come again."""


@dataclass(frozen=True, slots=True)
class UploadedSource:
    """An `archive.source.Source`."""

    database: Database
    transfer: Transfer

    def read(self, name: str, at_most: int) -> bytes | None:
        if name == NAME:
            return bytes(self.transfer.manifest)[:at_most]
        with self.database.reading() as session:
            data = files.read(session, self.transfer.id, name)
        return None if data is None else data[:at_most]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedImport:
    database: Database
    models: GalleryModels
    weight_store: WeightStore
    pipeline: Callable[[ModelCard], Pipeline]
    """Opens the model that embeds the crops, where one has to."""
    worker: str
    job: Transfer
    """With its manifest."""
    card: ModelCard | None
    """Of the model that the client requested, if any."""

    def run(self) -> None:
        """Raises LeaseLost where the transfer was cancelled or another worker has it; Busy,
        DatabaseUnavailable, EmbeddingUnusable."""
        context = copy_context()
        context.run(current_caller.set, Caller(name=self.job.caller_name, key_id=self.job.caller_key_id))
        context.run(self._run)

    def _run(self) -> None:
        try:
            self._import()
        except FINAL as error:
            log.warning("transfer %s has failed: %s", self.job.id, error.code)  # names nobody
            fail(self.database, self.job.id, self.worker, error)

    def _import(self) -> None:
        job = self.job
        self._progress("checking", 0, 0)
        contents = Contents.open(UploadedSource(self.database, job))
        with self.database.reading() as session:
            existing = galleries.get(session, job.gallery) if job.into_existing else None
            if existing is None:
                importer.check_free(session, job.gallery)
        chosen = target.choose(
            self.models, self.weight_store, contents.manifest, into=existing, model=self.card
        )
        checked = check(contents, progress=lambda done, faces: self._progress("checking", done, faces))
        target.check_crops(chosen, checked.without_crop)
        running = GalleryImport(
            self.database,
            self.models,
            contents,
            chosen,
            name=job.gallery,
            into=existing,
            join=job.join_people,
        )
        self._progress("importing", 0, checked.faces)
        with self._embedder(chosen) as embed:
            running.run(
                embed,
                progress=lambda done, faces: self._progress("importing", done, faces),
                finished=self._finished,
            )

    @contextmanager
    def _embedder(self, chosen: Target) -> Iterator[Embed]:
        if not chosen.embeds:
            yield as_exported
            return
        with closing(FromCrops(self.pipeline(chosen.card))) as embed, in_background():
            yield embed

    def _progress(self, step: str, done: int, faces: int) -> None:
        with self.database.transaction() as session:
            leases.progress(
                session, self.job.id, self.worker, step=step, figures={"done": done, "faces": faces}
            )

    def _finished(self, session: Session, imported: Imported) -> None:
        """In the transaction that completes the import: a worker that is killed now leaves no doubt."""
        faces = imported.faces
        every = faces.added + faces.there + faces.without_person
        figures = {"done": every, "faces": every} | imported.figures
        leases.finish(session, self.job.id, self.worker, {"state": "done", "figures": figures})


def fail(database: Database, job_id: UUID, worker: str, error: GemelError) -> None:
    """Raises LeaseLost."""
    with database.transaction() as session:
        values = {"state": "failed", "code": error.code, "problem": error.message[:1000]}
        leases.finish(session, job_id, worker, values)
