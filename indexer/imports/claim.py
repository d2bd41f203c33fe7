"""A worker claims files of an import, unless its process cannot enrol them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from indexer.errors import AttributeNotPermitted, AttributeUnavailable
from indexer.records import galleries
from indexer.records.imports import queue, states
from indexer.records.tables import Gallery, ImportFile, ImportJob
from indexer.types import Attribute
from indexer.usecases import liveness
from indexer.usecases.bootstrap import Engine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Files of one import that a worker holds."""

    worker: str
    job: ImportJob
    gallery: Gallery
    files: Sequence[ImportFile]


def claim(engine: Engine, import_id: UUID, worker: str, *, at_most: int, max_bytes: int) -> Claimed | None:
    """None where no file of the import is free; then the import ends if nothing can be added to it. None also
    where this process lacks weights: the files wait for a process that has them, and the import says so."""
    with engine.database.reading() as session:
        job = session.get(ImportJob, import_id)
        if job is None:
            return None
        gallery = galleries.by_ids(session, [job.gallery_id])[job.gallery_id]
    reason = _obstacle(engine, job, gallery)
    with engine.database.transaction() as session:
        if reason is not None:
            if states.waits(session, import_id, reason):
                log.warning("import %s waits: %s", import_id, reason)
            states.end_if_done(session, import_id)
            return None
        found = queue.claim(session, import_id, worker, at_most=at_most, max_bytes=max_bytes)
        if job.waits_for is not None:
            states.continues(session, import_id)
        if not found:
            queue.fail_exhausted(session, import_id)
            states.end_if_done(session, import_id)
            return None
    return Claimed(worker=worker, job=job, gallery=gallery, files=found)


def attributes_of(engine: Engine, job: ImportJob, gallery: Gallery) -> list[Attribute]:
    """Those of the import that the installation and the gallery still permit."""
    return [
        attribute
        for attribute in map(Attribute, job.attributes)
        if engine.attributes.is_permitted(attribute, gallery.attributes)
    ]


def _obstacle(engine: Engine, job: ImportJob, gallery: Gallery) -> str | None:
    """Why this process cannot enrol its files, in words."""
    try:
        liveness.check(engine.attributes, gallery.liveness)
        engine.attributes.check(attributes_of(engine, job, gallery))
    except (AttributeNotPermitted, AttributeUnavailable) as error:
        return error.message
    return None
