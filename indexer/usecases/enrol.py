"""Who is this, from now on? Gate, one transaction, and the index has it before the answer."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from indexer.errors import Busy, GemelError, Misconfigured, NotFound, NothingEnrolled, Unavailable
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.pipeline.stopwatch import Stopwatch
from indexer.records import changes, faces, galleries, identities, reindexes
from indexer.records.database.session import Database, Session
from indexer.records.tables import Face, Gallery, Identity
from indexer.replica.cache import IndexCache
from indexer.types import ChangeKind, Enrolment
from indexer.usecases import delete as removing
from indexer.usecases.quality_gate import Admitted, QualityGate, Rejection, admit

log = logging.getLogger(__name__)

_ATTEMPTS = 5

DUPLICATE = Rejection(
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
    refused: dict[int, Rejection]
    """By the number of the picture, from 0."""
    change_number: int
    """Of the gallery's last change: an index that has applied it has these faces."""
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Photographs that were looked at and embedded, by their numbers, with nothing written yet."""

    enrolments: dict[int, Enrolment]
    refused: dict[int, Rejection]
    model: str
    """Fingerprint of the one that the gallery was searched with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The models that a gallery's new faces are embedded with."""

    pipeline: Pipeline
    """Of the one that it is searched with."""
    others: list[Pipeline]
    """Of the one that it is to be, or was until now, as far as it can be opened here."""
    numbers: dict[str, int]
    """Of all of them, by fingerprint."""

    @property
    def active(self) -> str:
        return self.pipeline.card.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroller:
    database: Database
    pipelines: Pipelines
    index_cache: IndexCache
    quality_gate: QualityGate

    def create(
        self,
        gallery_name: str,
        new: NewIdentity,
        images: Sequence[bytes],
        *,
        take_largest: bool = False,
        watch: Stopwatch | None = None,
        check: Callable[[], object] = lambda: None,
    ) -> Enrolled:
        """A new identity, with those of its photographs that pass the gate; or nothing at all.

        `check` is called before each photograph; what it raises ends the enrolment, with nothing written.
        Raises GalleryNotFound, InvalidRequest, ExternalIdTaken, NothingEnrolled (there were
        photographs and none passed), ModelUnavailable, EmbeddingUnusable, Busy.
        """

        def make(session: Session, gallery: Gallery) -> Identity:
            return identities.create(
                session, gallery.id, external_id=new.external_id, name=new.name, metadata=new.metadata
            )

        gallery = self._gallery(gallery_name)
        return self._enrol(gallery, make, images, take_largest, watch or Stopwatch(), check)

    def add(
        self,
        gallery_name: str,
        identity_id: UUID,
        images: Sequence[bytes],
        *,
        take_largest: bool = False,
        watch: Stopwatch | None = None,
        check: Callable[[], object] = lambda: None,
    ) -> Enrolled:
        """More photographs of a known identity; `check` as in `create`.

        Raises GalleryNotFound, IdentityNotFound, NothingEnrolled, ModelUnavailable, EmbeddingUnusable, Busy.
        """

        def find(session: Session, gallery: Gallery) -> Identity:
            return identities.get(session, gallery.id, identity_id)

        gallery = self._gallery(gallery_name)
        with self.database.reading() as session:
            find(session, gallery)
        return self._enrol(gallery, find, images, take_largest, watch or Stopwatch(), check)

    def put(
        self,
        gallery_name: str,
        external_id: str,
        fields: Mapping[str, Any],
        images: Sequence[bytes],
        *,
        take_largest: bool = False,
        watch: Stopwatch | None = None,
    ) -> tuple[Enrolled, bool]:
        """The identity of an `external_id`, made where there is none, else changed; and whether it was made.

        `fields`: `name` and `metadata`, as far as they are to be set. Faces stay and photographs are added;
        one that is enrolled already changes nothing, so that the same call may be repeated. Raises what
        `create` does, but for ExternalIdTaken.
        """
        made = False

        def find_or_make(session: Session, gallery: Gallery) -> Identity:
            nonlocal made
            identity = identities.find_by_external_id(session, gallery.id, external_id)
            made = identity is None
            if identity is None:
                return identities.create(
                    session,
                    gallery.id,
                    external_id=external_id,
                    name=fields.get("name"),
                    metadata=fields.get("metadata") or {},
                )
            return identities.update(session, identity, dict(fields))

        enrolled = self._enrol(
            self._gallery(gallery_name),
            find_or_make,
            images,
            take_largest,
            watch or Stopwatch(),
            lambda: None,
            repeatable=True,
        )
        return enrolled, made

    def remove_identity(self, gallery_name: str, identity_id: UUID) -> None:
        """With all its faces. Raises GalleryNotFound, IdentityNotFound."""
        self._catch_up(removing.remove_identity(self.database, gallery_name, identity_id))

    def remove_face(self, gallery_name: str, identity_id: UUID, face_id: UUID) -> None:
        """Raises GalleryNotFound, IdentityNotFound, FaceNotFound."""
        self._catch_up(removing.remove_face(self.database, gallery_name, identity_id, face_id))

    def _gallery(self, name: str) -> Gallery:
        with self.database.reading() as session:
            return galleries.get(session, name)

    def _enrol(
        self,
        gallery: Gallery,
        person: Callable[[Session, Gallery], Identity],
        images: Sequence[bytes],
        take_largest: bool,
        watch: Stopwatch,
        check: Callable[[], object],
        *,
        repeatable: bool = False,
    ) -> Enrolled:
        """`person` gives the identity, within the transaction. `repeatable`: it is no error if all of its
        photographs are enrolled already.

        Which models the gallery wants is read before the pictures are looked at, and again under its
        lock. Where a re-index began or ended in between, all is done once more.
        """
        for _ in range(_ATTEMPTS):
            wanted = self._wanted(gallery)
            prepared = self._prepare(gallery, images, take_largest, watch, wanted, check)
            with watch.stage("database"), self.database.transaction() as session:
                gallery = galleries.lock(session, gallery.id)
                if gallery.model_id is None:
                    gallery.model_id = self.pipelines.models.number_of(self.pipelines.models.default)
                in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
                active = next(f for f, number in in_use.items() if number == gallery.model_id)
                if active == wanted.active and in_use.keys() <= wanted.numbers.keys():
                    enrolled = self._record(
                        session, gallery, person(session, gallery), prepared, in_use, repeatable
                    )
                    break
        else:
            raise Busy("the gallery changes its model at this moment")
        self._catch_up(gallery.id)
        return enrolled

    def _wanted(self, gallery: Gallery) -> _Wanted:
        models = self.pipelines.models
        with self.database.reading() as session:
            gallery = galleries.by_ids(session, [gallery.id]).get(gallery.id, gallery)
            in_use = reindexes.models_in_use(session, [gallery.id]).get(gallery.id, {})
        pipeline = self.pipelines.for_gallery(gallery)
        others: list[Pipeline] = []
        for fingerprint, number in in_use.items():
            if fingerprint != pipeline.card.fingerprint:
                try:
                    others.append(self.pipelines.by_number(number))
                except Misconfigured as error:  # the re-index job will embed what is enrolled here
                    log.warning("enrolled without %s: %s", fingerprint, error)
        return _Wanted(
            pipeline=pipeline,
            others=others,
            numbers={pipeline.card.fingerprint: models.number_of(pipeline.card)} | in_use,
        )

    def _prepare(
        self,
        gallery: Gallery,
        images: Sequence[bytes],
        take_largest: bool,
        watch: Stopwatch,
        wanted: _Wanted,
        check: Callable[[], object],
    ) -> _Prepared:
        admitted: dict[int, Admitted] = {}
        refused: dict[int, Rejection] = {}
        for number, data in enumerate(images):
            check()
            outcome = admit(
                data,
                wanted.pipeline,
                self.quality_gate,
                watch,
                take_largest=take_largest,
                store_crop=gallery.store_crops,
                also=wanted.others,
            )
            if isinstance(outcome, Rejection):
                refused[number] = outcome
            elif any(outcome.image_sha256 == other.image_sha256 for other in admitted.values()):
                refused[number] = DUPLICATE
            else:
                admitted[number] = outcome
        if images and not admitted:  # before the network is troubled
            raise _nothing_enrolled(refused)
        vectors = {wanted.active: wanted.pipeline.embed([a.seen for a in admitted.values()], watch)}
        for place, other in enumerate(wanted.others):
            try:
                vectors[other.card.fingerprint] = other.embed(
                    [a.also[place] for a in admitted.values()], watch
                )
            except GemelError as error:  # likewise: an enrolment does not fail for a model to come
                log.warning("enrolled without %s: %s", other.card.fingerprint, error)
        enrolments = {
            number: Enrolment(
                face=a.seen.face,
                quality=a.seen.quality,
                vectors={fingerprint: made[place] for fingerprint, made in vectors.items()},
                image_sha256=a.image_sha256,
                crop=a.crop,
            )
            for place, (number, a) in enumerate(admitted.items())
        }
        return _Prepared(enrolments=enrolments, refused=refused, model=wanted.active)

    def _record(
        self,
        session: Session,
        gallery: Gallery,
        identity: Identity,
        prepared: _Prepared,
        models: Mapping[str, int],
        repeatable: bool,
    ) -> Enrolled:
        known = faces.enrolled_images(
            session, identity.id, [enrolment.image_sha256 for enrolment in prepared.enrolments.values()]
        )
        refused = dict(prepared.refused)
        fresh: list[Enrolment] = []
        for number, enrolment in prepared.enrolments.items():
            if enrolment.image_sha256 in known:
                refused[number] = DUPLICATE
            else:
                fresh.append(enrolment)
        repeated = repeatable and all(r is DUPLICATE for r in refused.values())
        if refused and not fresh and not repeated:
            raise _nothing_enrolled(refused)
        added = faces.add(session, identity.id, fresh, models)
        number = changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added])
        return Enrolled(
            identity=identity,
            faces=added,
            refused=dict(sorted(refused.items())),
            change_number=number,
            model=prepared.model,
        )

    def _catch_up(self, gallery_id: UUID) -> None:
        """Brings an open index along before the answer. A search would do it too, so that a failure
        here, after the commit, takes nothing back: it is logged."""
        try:
            self.index_cache.catch_up(gallery_id)
        except (Unavailable, NotFound) as error:
            log.warning("the index of gallery %s follows later: %s", gallery_id, error)


def _nothing_enrolled(refused: dict[int, Rejection]) -> NothingEnrolled:
    return NothingEnrolled(
        "none of the pictures can be enrolled; nothing was stored",
        refused=[
            {"image": number, "code": r.code, "message": r.message} | r.details
            for number, r in sorted(refused.items())
        ],
    )
