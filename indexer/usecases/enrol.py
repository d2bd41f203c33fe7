"""Who is this, from now on? The photographs pass the quality gate, one transaction stores them, and the index
has them before the answer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.enrolled.new_identities import NewIdentity, create_several
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.request_timings import Stopwatch
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases import delete
from indexer.usecases.enrolment.transaction import (
    NO_PLACES,
    EnrolmentOptions,
    EnrolmentTransaction,
    no_check,
    nothing_else,
)
from indexer.usecases.enrolment.write import EnrolmentResult, Person
from indexer.vision.place import FacePlace

__all__ = ["Enroller", "NewIdentity"]

OPENING_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroller:
    transaction: EnrolmentTransaction

    @property
    def database(self) -> Database:
        return self.transaction.database

    @property
    def index_cache(self) -> IndexCache:
        return self.transaction.index_cache

    def create(
        self,
        gallery_name: str,
        new: NewIdentity,
        images: Sequence[bytes],
        *,
        places: Mapping[int, FacePlace] = NO_PLACES,
        several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
        allow_duplicate: bool = False,
        attributes: Collection[Attribute] = (),
        watch: Stopwatch | None = None,
        check: Callable[[], object] = no_check,
        also: Callable[[Session, EnrolmentResult], object] = nothing_else,
    ) -> EnrolmentResult:
        """A new identity, with those of its photographs that pass the gate; or nothing at all.

        `places`: of the face in some of the photographs, by their number, from 0.
        `allow_duplicate`: also where the gallery's policy rejects a person who looks like another one.
        `attributes`: to estimate of the new faces.
        `check` is called before each photograph; what it raises ends the enrolment, with nothing written.
        `also` is called at the end of the transaction, and may write too.
        Raises GalleryNotFound, AttributeNotPermitted, AttributeUnavailable, InvalidRequest, ExternalIdTaken,
        NothingEnrolled (there are photographs and each is rejected), ModelUnavailable, EmbeddingUnusable,
        Busy; where the gallery checks for duplicates DuplicateIdentity and IndexNotReady.
        """

        def make(session: Session, gallery: Gallery) -> Person:
            [identity] = create_several(session, gallery.id, [new])
            return identity, True

        options = EnrolmentOptions(
            places=places,
            several_faces=several_faces,
            allow_duplicate=allow_duplicate,
            check=check,
            also=also,
            attributes=attributes,
            watch=watch or Stopwatch(),
        )
        return self.transaction.run(self.transaction.gallery(gallery_name), make, images, options)

    def add(
        self,
        gallery_name: str,
        identity_id: UUID,
        images: Sequence[bytes],
        *,
        places: Mapping[int, FacePlace] = NO_PLACES,
        several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
        allow_duplicate: bool = False,
        attributes: Collection[Attribute] = (),
        watch: Stopwatch | None = None,
        check: Callable[[], object] = no_check,
        also: Callable[[Session, EnrolmentResult], object] = nothing_else,
    ) -> EnrolmentResult:
        """More photographs of a known identity; `allow_duplicate`, `check` and `also` as in `create`.

        Raises IdentityNotFound, and what `create` raises except ExternalIdTaken.
        """

        def find(session: Session, gallery: Gallery) -> Person:
            return identities.get(session, gallery.id, identity_id), False

        found = self.transaction.gallery(gallery_name)
        with self.database.reading() as session:
            find(session, found[0])
        options = EnrolmentOptions(
            places=places,
            several_faces=several_faces,
            allow_duplicate=allow_duplicate,
            check=check,
            also=also,
            attributes=attributes,
            watch=watch or Stopwatch(),
        )
        return self.transaction.run(found, find, images, options)

    def put(
        self,
        gallery_name: str,
        external_id: str,
        fields: Mapping[str, Any],
        images: Sequence[bytes],
        *,
        places: Mapping[int, FacePlace] = NO_PLACES,
        several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
        allow_duplicate: bool = False,
        attributes: Collection[Attribute] = (),
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

        options = EnrolmentOptions(
            places=places,
            several_faces=several_faces,
            allow_duplicate=allow_duplicate,
            repeatable=True,
            attributes=attributes,
            watch=watch or Stopwatch(),
        )
        found = self.transaction.gallery(gallery_name)
        result = self.transaction.run(found, find_or_create, images, options)
        return result, created

    def open_index(self, gallery_name: str) -> None:
        """Waits for the index that the duplicate check needs, however long it takes to open. Without it, the
        first enrolments would fail. Raises GalleryNotFound, ModelUnavailable, IndexNotReady."""
        gallery, _ = self.transaction.gallery(gallery_name)
        card = self.transaction.pipelines.for_gallery(gallery).card
        self.transaction.duplicates.prepare(gallery, card, patience_seconds=OPENING_SECONDS)

    def remove_identity(self, gallery_name: str, identity_id: UUID) -> None:
        """With all its faces. Raises GalleryNotFound, IdentityNotFound."""
        self.index_cache.try_to_catch_up(delete.remove_identity(self.database, gallery_name, identity_id))

    def remove_face(self, gallery_name: str, identity_id: UUID, face_id: UUID) -> None:
        """Raises GalleryNotFound, IdentityNotFound, FaceNotFound."""
        self.index_cache.try_to_catch_up(
            delete.remove_face(self.database, gallery_name, identity_id, face_id)
        )
