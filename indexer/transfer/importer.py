"""Imports an export: all of it is checked first, then people and faces are added in portions.

A new gallery has another name until everything is in it, so that nobody searches half a gallery. Whoever is
in the gallery already is not added again: after an interruption the same call does the rest.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import uuid_utils.compat

from indexer.errors import GalleryExists, GalleryNotFound
from indexer.pipeline.models import GalleryModels
from indexer.records import calibrations, galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.notifications import notify
from indexer.records.tables import Gallery
from indexer.transfer import people
from indexer.transfer.archive import policy
from indexer.transfer.archive.contents import Contents
from indexer.transfer.embed import Embed
from indexer.transfer.faces import Destination, FaceCount, add_faces, check_model
from indexer.transfer.people import PeopleCount
from indexer.transfer.target import Target

log = logging.getLogger(__name__)

_KEPT_OF_A_NAME = 45
"""Characters of the gallery's name in the name that it has meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    gallery: Gallery
    people: PeopleCount
    faces: FaceCount
    pairs: int
    """Of people who are known to be different."""
    calibrations: int

    @property
    def figures(self) -> dict[str, int]:
        return {
            "identities_created": self.people.created,
            "identities_there": self.people.there,
            "identities_joined": self.people.joined,
            "new_ids": self.people.new_ids,
            "faces_added": self.faces.added,
            "faces_there": self.faces.there,
            "faces_without_person": self.faces.without_person,
            "distinct_pairs": self.pairs,
            "calibrations": self.calibrations,
        }


def _nothing(session: Session, imported: Imported) -> None:
    pass


class GalleryImport:
    """One import."""

    def __init__(
        self,
        database: Database,
        models: GalleryModels,
        contents: Contents,
        target: Target,
        *,
        name: str,
        into: Gallery | None,
        join: bool,
    ) -> None:
        """`into`: the existing gallery; None: a new one is created. `join`: the faces of whoever has an
        external id of the existing gallery are added to that person."""
        self._database = database
        self._models = models
        self._contents = contents
        self._target = target
        self._name = name
        self._into = into
        self._join = join
        self._event_id = uuid_utils.compat.uuid7()

    def run(
        self,
        embed: Embed,
        *,
        progress: Callable[[int, int], object],
        finished: Callable[[Session, Imported], object] = _nothing,
    ) -> Imported:
        """`progress` gets the number of faces so far, and of all. `finished` is called in the last
        transaction, which gives a new gallery its name. The contents must be checked.

        Raises GalleryExists, ExternalIdTaken, ArchiveDamaged (a file has changed since the check), Busy,
        DatabaseUnavailable.
        """
        if self._into is not None and not self._join:
            people.check_external_ids(self._database, self._into.id, self._contents)
        number = self._models.number_of(self._target.card)
        gallery = self._start(number)
        count = people.add_people(self._database, gallery.id, self._contents, join=self._join)
        destination = Destination(
            gallery_id=gallery.id, model_id=number, joined_as=count.joined_as, event_id=self._event_id
        )
        faces = add_faces(self._database, self._contents, destination, embed, progress=progress)
        pairs = people.add_pairs(self._database, gallery.id, self._contents, count.joined_as)
        with self._database.transaction() as session:
            stored = self._finish(session, gallery.id, number, faces.added, count)
            imported = Imported(
                gallery=galleries.get(session, self._name),
                people=count,
                faces=faces,
                pairs=pairs,
                calibrations=stored,
            )
            finished(session, imported)
        return imported

    @property
    def _aside(self) -> str:
        return aside_name(self._name, self._contents.sha256)

    def _start(self, model: int) -> Gallery:
        """The gallery, with its model."""
        with self._database.transaction() as session:
            if self._into is not None:
                gallery = galleries.lock(session, self._into.id)
            else:
                gallery = self._aside_gallery(session, model)
            if gallery.model_id is None and self._contents.manifest.model is not None:
                gallery.model_id = model
            if self._contents.manifest.model is not None:
                check_model(gallery, model)
            record(
                session,
                AuditEvent(
                    action=Action.GALLERY_IMPORT_STARTED,
                    id=self._event_id,
                    gallery=gallery.name,
                    details=self._details(gallery.id),
                ),
            )
            return gallery

    def _aside_gallery(self, session: Session, model: int) -> Gallery:
        check_free(session, self._name)
        gallery = _locked(session, self._aside)
        if gallery is not None and gallery.model_id not in (None, model):
            log.info("the import into %s was begun with another model: beginning again", self._aside)
            galleries.remove(session, gallery.id)
            gallery = None
        if gallery is not None:
            log.info("continuing the import into %s", self._aside)
            return gallery
        found, unknown = policy.parse(self._contents.manifest.policy)
        if unknown:
            log.warning("this version does not know these fields of the policy: %s", ", ".join(unknown))
        gallery = galleries.create(session, self._aside, **found.model_dump())
        return galleries.lock(session, gallery.id)

    def _finish(self, session: Session, gallery_id: UUID, model: int, added: int, count: PeopleCount) -> int:
        """Gives a new gallery its name, and its calibrations: their number."""
        stored = 0
        gallery = galleries.lock(session, gallery_id)
        if self._into is None:
            check_free(session, self._name)
            gallery.name = self._name
            session.flush()
            if not self._target.embeds:
                stored = self._store_calibrations(session, gallery_id, model)
            notify(session, gallery_id)
        record(
            session,
            AuditEvent(
                action=Action.GALLERY_IMPORTED,
                gallery=self._name,
                details=self._details(gallery_id)
                | {
                    "started": self._event_id,
                    "identities_created": count.created,
                    "faces_added": added,
                    "change_number": gallery.change_number,
                },
            ),
        )
        return stored

    def _store_calibrations(self, session: Session, gallery_id: UUID, model: int) -> int:
        """Oldest first, as the newest is active."""
        found = sorted(self._contents.manifest.calibrations, key=lambda one: one.created_at)
        for one in found:
            calibrations.add(
                session,
                gallery_id=gallery_id,
                model_id=model,
                source=one.source,
                parameters=one.parameters,
                person_score=one.person_score,
                measured_at=one.created_at,
            )
        return len(found)

    def _details(self, gallery_id: UUID) -> dict[str, object]:
        manifest = self._contents.manifest
        return {
            "gallery_id": gallery_id,
            "export_sha256": self._contents.sha256,
            "identities": manifest.counts.identities,
            "faces": manifest.counts.faces,
            "model": self._target.card.fingerprint,
            "embedded_again": self._target.embeds,
        }


def aside_name(name: str, manifest_sha256: str) -> str:
    """Of a new gallery until it is complete."""
    digest = manifest_sha256
    if len(name) > _KEPT_OF_A_NAME:  # others may begin with the same characters
        digest = hashlib.sha256(f"{manifest_sha256} {name}".encode()).hexdigest()
    return f"{name[:_KEPT_OF_A_NAME]}.import-{digest[:8]}"


def remove_aside(session: Session, name: str, manifest_sha256: str) -> None:
    """What an import that is not continued has left, if anything."""
    gallery = _locked(session, aside_name(name, manifest_sha256))
    if gallery is not None:
        galleries.remove(session, gallery.id)


def _locked(session: Session, name: str) -> Gallery | None:
    """None where there is no such gallery, or no longer when its lock is free."""
    try:
        return galleries.lock(session, galleries.get(session, name).id)
    except GalleryNotFound:
        return None


def check_free(session: Session, name: str) -> None:
    """Raises GalleryExists, and InvalidRequest where no gallery can have the name."""
    galleries.check_name(name)
    try:
        galleries.get(session, name)
    except GalleryNotFound:
        return
    raise GalleryExists(f"a gallery {name!r} already exists", name=name)
