"""Who is this, from now on? Gate, one transaction, and the index has it before the answer."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from indexer.errors import NotFound, NothingEnrolled, Unavailable
from indexer.recognition.camera import Camera, Stopwatch
from indexer.recognition.follower import Follower
from indexer.recognition.gate import Admitted, Limits, Refused, admit
from indexer.records import changes, faces, galleries, identities
from indexer.records.models import Face, Gallery, Identity
from indexer.records.session import Database, Session
from indexer.types import ChangeKind, Enrolment

log = logging.getLogger(__name__)

DUPLICATE = Refused(
    code="duplicate_image", message="this very file is enrolled for this identity already", details={}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentity:
    external_id: str | None = None
    name: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enrolled:
    """What became of an enrolment."""

    identity: Identity
    faces: list[Face]
    """New ones."""
    refused: dict[int, Refused]
    """By the number of the picture, from 0."""
    change_number: int
    """Of the gallery's last change: an index that has applied it has these faces."""
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Photographs that were looked at and embedded, by their numbers, with nothing written yet."""

    enrolments: dict[int, Enrolment]
    refused: dict[int, Refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroller:
    database: Database
    camera: Camera
    follower: Follower
    limits: Limits

    def create(
        self,
        gallery_name: str,
        new: NewIdentity,
        images: Sequence[bytes],
        *,
        take_largest: bool = False,
        watch: Stopwatch | None = None,
    ) -> Enrolled:
        """A new identity, with those of its photographs that pass the gate; or nothing at all.

        Raises GalleryNotFound, InvalidRequest, ExternalIdTaken, NothingEnrolled (there were
        photographs and none passed), AnotherModel, Busy.
        """
        watch = watch or Stopwatch()
        gallery = self._gallery(gallery_name)
        prepared = self._prepare(gallery, images, take_largest, watch)
        with watch.stage("database"), self.database.transaction() as session:
            gallery = galleries.lock(session, gallery.id)
            identity = identities.create(
                session,
                gallery.id,
                external_id=new.external_id,
                name=new.name,
                metadata=new.metadata,
            )
            enrolled = self._record(session, gallery, identity, prepared)
        self._catch_up(gallery.id)
        return enrolled

    def add(
        self,
        gallery_name: str,
        identity_id: UUID,
        images: Sequence[bytes],
        *,
        take_largest: bool = False,
        watch: Stopwatch | None = None,
    ) -> Enrolled:
        """More photographs of a known identity.

        Raises GalleryNotFound, IdentityNotFound, NothingEnrolled, AnotherModel, Busy.
        """
        watch = watch or Stopwatch()
        gallery = self._gallery(gallery_name)
        with self.database.reading() as session:
            identities.get(session, gallery.id, identity_id)
        prepared = self._prepare(gallery, images, take_largest, watch)
        with watch.stage("database"), self.database.transaction() as session:
            gallery = galleries.lock(session, gallery.id)
            identity = identities.get(session, gallery.id, identity_id)
            enrolled = self._record(session, gallery, identity, prepared)
        self._catch_up(gallery.id)
        return enrolled

    def remove_identity(self, gallery_name: str, identity_id: UUID) -> None:
        """With all its faces. Raises GalleryNotFound, IdentityNotFound."""
        gallery = self._gallery(gallery_name)
        with self.database.transaction() as session:
            galleries.lock(session, gallery.id)
            identities.get(session, gallery.id, identity_id)
            keys = [face.key for face in faces.of_identities(session, [identity_id])[identity_id]]
            identities.remove(session, identity_id)
            changes.append(session, gallery.id, ChangeKind.DELETE, keys)
        self._catch_up(gallery.id)

    def remove_face(self, gallery_name: str, identity_id: UUID, face_id: UUID) -> None:
        """Raises GalleryNotFound, IdentityNotFound, FaceNotFound."""
        gallery = self._gallery(gallery_name)
        with self.database.transaction() as session:
            galleries.lock(session, gallery.id)
            identities.get(session, gallery.id, identity_id)
            face = faces.get(session, identity_id, face_id)
            faces.remove(session, [face.key])
            changes.append(session, gallery.id, ChangeKind.DELETE, [face.key])
        self._catch_up(gallery.id)

    def _gallery(self, name: str) -> Gallery:
        with self.database.reading() as session:
            return galleries.get(session, name)

    def _prepare(
        self, gallery: Gallery, images: Sequence[bytes], take_largest: bool, watch: Stopwatch
    ) -> _Prepared:
        admitted: dict[int, Admitted] = {}
        refused: dict[int, Refused] = {}
        for number, data in enumerate(images):
            outcome = admit(
                data,
                self.camera,
                self.limits,
                watch,
                take_largest=take_largest,
                store_crop=gallery.store_crops,
            )
            if isinstance(outcome, Refused):
                refused[number] = outcome
            elif any(outcome.image_sha256 == other.image_sha256 for other in admitted.values()):
                refused[number] = DUPLICATE
            else:
                admitted[number] = outcome
        if images and not admitted:  # before the network is troubled
            raise _nothing_enrolled(refused)
        vectors = self.camera.embed([a.seen for a in admitted.values()], watch)
        enrolments = {
            number: Enrolment(
                face=a.seen.face,
                quality=a.seen.quality,
                vector=vector,
                image_sha256=a.image_sha256,
                crop=a.crop,
            )
            for (number, a), vector in zip(admitted.items(), vectors, strict=True)
        }
        return _Prepared(enrolments=enrolments, refused=refused)

    def _record(
        self, session: Session, gallery: Gallery, identity: Identity, prepared: _Prepared
    ) -> Enrolled:
        known = faces.enrolled_images(session, identity.id)
        refused = dict(prepared.refused)
        fresh: list[Enrolment] = []
        for number, enrolment in prepared.enrolments.items():
            if enrolment.image_sha256 in known:
                refused[number] = DUPLICATE
            else:
                fresh.append(enrolment)
        if refused and not fresh:
            raise _nothing_enrolled(refused)
        card = self.camera.embedder.card
        model = faces.model_id(session, card.fingerprint, card.dimension)
        if fresh:
            galleries.take_model(session, gallery, model, card.fingerprint)
        added = faces.add(session, identity.id, fresh, model)
        number = changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added])
        return Enrolled(
            identity=identity,
            faces=added,
            refused=dict(sorted(refused.items())),
            change_number=number,
            model=card.fingerprint,
        )

    def _catch_up(self, gallery_id: UUID) -> None:
        """Brings an open index along before the answer. A search would do it too, so that a failure
        here, after the commit, takes nothing back: it is logged."""
        try:
            self.follower.bring_along(gallery_id)
        except (Unavailable, NotFound) as error:
            log.warning("the index of gallery %s follows later: %s", gallery_id, error)


def _nothing_enrolled(refused: dict[int, Refused]) -> NothingEnrolled:
    return NothingEnrolled(
        "none of the pictures can be enrolled; nothing was stored",
        refused=[
            {"image": number, "code": r.code, "message": r.message} | r.details
            for number, r in sorted(refused.items())
        ],
    )
