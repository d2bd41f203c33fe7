"""Who is this, from now on? The photographs pass the quality gate, one transaction stores them, and the index
has them before the answer."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from indexer.duplicates.check import DuplicateChecker
from indexer.embedding.card import ModelCard
from indexer.errors import Busy, NotFound, Unavailable
from indexer.mean_template import MIN_FACES
from indexer.pipeline.pipelines import Pipelines
from indexer.records import galleries, reindexes
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.request_timings import Stage, Stopwatch
from indexer.types import OnSeveralFaces
from indexer.usecases import delete, odd_faces
from indexer.usecases.enrolment.models import models_of
from indexer.usecases.enrolment.prepare_images import ImagePreparer
from indexer.usecases.enrolment.write import EnrolmentResult, Person, write
from indexer.usecases.odd_faces import OddFace

log = logging.getLogger(__name__)

OPENING_SECONDS = 86_400.0
_ATTEMPTS = 5
"""To enrol with the models that the gallery uses, while a re-index begins or ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentity:
    external_id: str | None = None
    name: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


_Found = tuple[Gallery, Mapping[str, int]]
"""A gallery, and the models that it uses: their numbers by fingerprint."""


def _no_check() -> None:
    pass


def _nothing_else(_: Session, __: EnrolmentResult) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroller:
    database: Database
    pipelines: Pipelines
    index_cache: IndexCache
    preparer: ImagePreparer
    duplicates: DuplicateChecker

    def create(
        self,
        gallery_name: str,
        new: NewIdentity,
        images: Sequence[bytes],
        *,
        several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
        allow_duplicate: bool = False,
        watch: Stopwatch | None = None,
        check: Callable[[], object] = _no_check,
        also: Callable[[Session, EnrolmentResult], object] = _nothing_else,
    ) -> EnrolmentResult:
        """A new identity, with those of its photographs that pass the gate; or nothing at all.

        `allow_duplicate`: also where the gallery's policy rejects a person who looks like another one.
        `check` is called before each photograph; what it raises ends the enrolment, with nothing written.
        `also` is called at the end of the transaction, and may write too.
        Raises GalleryNotFound, InvalidRequest, ExternalIdTaken, NothingEnrolled (there are photographs and
        each is rejected), ModelUnavailable, EmbeddingUnusable, Busy; where the gallery checks for duplicates
        DuplicateIdentity and IndexNotReady.
        """

        def make(session: Session, gallery: Gallery) -> Person:
            identity = identities.create(
                session, gallery.id, external_id=new.external_id, name=new.name, metadata=new.metadata
            )
            return identity, True

        return self._enrol(
            self._gallery(gallery_name),
            make,
            images,
            several_faces,
            allow_duplicate,
            watch,
            check,
            also,
        )

    def add(
        self,
        gallery_name: str,
        identity_id: UUID,
        images: Sequence[bytes],
        *,
        several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
        allow_duplicate: bool = False,
        watch: Stopwatch | None = None,
        check: Callable[[], object] = _no_check,
        also: Callable[[Session, EnrolmentResult], object] = _nothing_else,
    ) -> EnrolmentResult:
        """More photographs of a known identity; `allow_duplicate`, `check` and `also` as in `create`.

        Raises IdentityNotFound, and what `create` raises except ExternalIdTaken.
        """

        def find(session: Session, gallery: Gallery) -> Person:
            return identities.get(session, gallery.id, identity_id), False

        found = self._gallery(gallery_name)
        with self.database.reading() as session:
            find(session, found[0])
        return self._enrol(found, find, images, several_faces, allow_duplicate, watch, check, also)

    def put(
        self,
        gallery_name: str,
        external_id: str,
        fields: Mapping[str, Any],
        images: Sequence[bytes],
        *,
        several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
        allow_duplicate: bool = False,
        watch: Stopwatch | None = None,
    ) -> tuple[EnrolmentResult, bool]:
        """Creates the identity with an `external_id`, or changes it; and whether it was created.

        `fields`: those of `name` and `metadata` that are set. Faces stay and photographs are added. One that
        is enrolled already changes nothing, so that the same call may be repeated. Raises what `create`
        raises, except ExternalIdTaken.
        """
        created = False

        def find_or_create(session: Session, gallery: Gallery) -> Person:
            nonlocal created
            identity = identities.find_by_external_id(session, gallery.id, external_id)
            created = identity is None
            if identity is None:
                new = identities.create(
                    session,
                    gallery.id,
                    external_id=external_id,
                    name=fields.get("name"),
                    metadata=fields.get("metadata") or {},
                )
                return new, True
            return identities.update(session, identity, dict(fields)), False

        found = self._gallery(gallery_name)
        result = self._enrol(
            found, find_or_create, images, several_faces, allow_duplicate, watch, _no_check, repeatable=True
        )
        return result, created

    def open_index(self, gallery_name: str) -> None:
        """Waits for the index that the duplicate check needs, however long it takes to open. Without it, the
        first enrolments would fail. Raises GalleryNotFound, ModelUnavailable, IndexNotReady."""
        gallery, _ = self._gallery(gallery_name)
        card = self.pipelines.for_gallery(gallery).card
        self.duplicates.prepare(gallery, card, patience_seconds=OPENING_SECONDS)

    def remove_identity(self, gallery_name: str, identity_id: UUID) -> None:
        """With all its faces. Raises GalleryNotFound, IdentityNotFound."""
        self.index_cache.try_to_catch_up(delete.remove_identity(self.database, gallery_name, identity_id))

    def remove_face(self, gallery_name: str, identity_id: UUID, face_id: UUID) -> None:
        """Raises GalleryNotFound, IdentityNotFound, FaceNotFound."""
        self.index_cache.try_to_catch_up(
            delete.remove_face(self.database, gallery_name, identity_id, face_id)
        )

    def _gallery(self, name: str) -> _Found:
        with self.database.reading() as session:
            gallery = galleries.get(session, name)
            return gallery, reindexes.models_in_use(session, [gallery.id])[gallery.id]

    def _enrol(
        self,
        found: _Found,
        person: Callable[[Session, Gallery], Person],
        images: Sequence[bytes],
        several_faces: OnSeveralFaces,
        allow_duplicate: bool,
        watch: Stopwatch | None,
        check: Callable[[], object],
        also: Callable[[Session, EnrolmentResult], object] = _nothing_else,
        *,
        repeatable: bool = False,
    ) -> EnrolmentResult:
        """`person` gives the identity, within the transaction. `repeatable`: it is no error if all of its
        photographs are enrolled already.

        The models that the gallery uses are read before the images are prepared, and again under the
        gallery's lock. Where a re-index began or ended in between, everything is done again.
        """
        watch = watch or Stopwatch()
        gallery, in_use = found
        for _ in range(_ATTEMPTS):
            models = models_of(self.pipelines, gallery, in_use)
            prepared = self.preparer.prepare(
                images,
                models,
                store_crops=gallery.store_crops,
                several_faces=several_faces,
                watch=watch,
                check=check,
            )
            self.duplicates.prepare(gallery, models.active.card)
            with watch.stage(Stage.DATABASE), self.database.transaction() as session:
                gallery = galleries.lock(session, gallery.id)
                if gallery.model_id is None:
                    gallery.model_id = self.pipelines.models.number_of(self.pipelines.models.default)
                in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
                if models.are_current(gallery, in_use):
                    result = write(
                        session,
                        gallery,
                        person(session, gallery),
                        prepared,
                        in_use,
                        model=models.active_fingerprint,
                        repeatable=repeatable,
                        check=partial(self.duplicates.check, session, gallery, models.active.card),
                        allow_duplicate=allow_duplicate,
                    )
                    also(session, result)
                    break
        else:
            raise Busy("the gallery changes its model at this moment")
        self.index_cache.try_to_catch_up(gallery.id)
        if not result.faces or result.faces_total < MIN_FACES:
            return result
        with watch.stage(Stage.DATABASE):
            return replace(result, odd_faces=self._odd_faces(result.identity.id, models.active.card))

    def _odd_faces(self, identity_id: UUID, card: ModelCard) -> list[OddFace]:
        """The faces are enrolled already: a failure is only logged."""
        try:
            with self.database.reading() as session:
                return odd_faces.of_identity(session, identity_id, card)
        except (Unavailable, NotFound) as error:
            log.warning("the faces of identity %s are not compared with each other: %s", identity_id, error)
            return []
