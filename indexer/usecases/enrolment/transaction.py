"""The transaction of an enrolment, with the models that the gallery uses at that moment."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from indexer.duplicates.check import DuplicateChecker
from indexer.embedding.card import ModelCard
from indexer.errors import Busy, NotFound, Unavailable
from indexer.mean_template import MIN_FACES
from indexer.pipeline.pipelines import Pipelines
from indexer.records import galleries, reindexes
from indexer.records.database.session import Database, Session
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases import liveness, odd_faces
from indexer.usecases.enrolment.models import models_of
from indexer.usecases.enrolment.prepare_images import ImagePreparer, PreparationOptions
from indexer.usecases.enrolment.write import EnrolmentResult, Person, write
from indexer.vision.place import FacePlace

log = logging.getLogger(__name__)

_ATTEMPTS = 5
"""To enrol with the models that the gallery uses, while a re-index begins or ends."""

FoundGallery = tuple[Gallery, Mapping[str, int]]
"""A gallery, and the models that it uses: their numbers by fingerprint."""


NO_PLACES: Mapping[int, FacePlace] = MappingProxyType({})


def no_check() -> None:
    pass


def nothing_else(_: Session, __: EnrolmentResult) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentOptions:
    places: Mapping[int, FacePlace] = field(default_factory=dict)
    """Of the face in some of the photographs, by their number, from 0."""
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT
    allow_duplicate: bool = False
    """Also where the gallery's policy rejects a person who looks like another one."""
    repeatable: bool = False
    """It is no error if all photographs of the person are enrolled already."""
    check: Callable[[], object] = no_check
    """Is called before each photograph; what it raises ends the enrolment, with nothing written."""
    also: Callable[[Session, EnrolmentResult], object] = nothing_else
    """Is called at the end of the transaction, and may write too."""
    attributes: Collection[Attribute] = ()
    """To estimate of the faces that are enrolled, for the answer: they are not stored."""
    watch: Stopwatch = field(default_factory=Stopwatch)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentTransaction:
    database: Database
    pipelines: Pipelines
    index_cache: IndexCache
    preparer: ImagePreparer
    duplicates: DuplicateChecker

    def gallery(self, name: str) -> FoundGallery:
        with self.database.reading() as session:
            gallery = galleries.get(session, name)
            return gallery, reindexes.models_in_use(session, [gallery.id])[gallery.id]

    def run(
        self,
        found: FoundGallery,
        person: Callable[[Session, Gallery], Person],
        images: Sequence[bytes],
        options: EnrolmentOptions,
    ) -> EnrolmentResult:
        """`person` gives the identity, within the transaction.

        The models that the gallery uses are read before the images are prepared, and again under the
        gallery's lock. Where a re-index began or ended in between, or the policy of liveness
        changed, everything is done again.
        """
        watch = options.watch
        gallery, in_use = found
        self.preparer.attributes.check(options.attributes, gallery.attributes)
        for _ in range(_ATTEMPTS):
            policy = gallery.liveness
            liveness.check(self.preparer.attributes, policy)
            models = models_of(self.pipelines, gallery, in_use)
            prepared = self.preparer.prepare(
                images,
                models,
                PreparationOptions(
                    store_crops=gallery.store_crops,
                    several_faces=options.several_faces,
                    attributes=options.attributes,
                    permitted=gallery.attributes,
                    policy=policy,
                    watch=watch,
                    check=options.check,
                ),
                options.places,
            )
            self.duplicates.prepare(gallery, models.active.card)
            with watch.stage(Stage.DATABASE), self.database.transaction() as session:
                gallery = galleries.lock(session, gallery.id)
                if gallery.model_id is None:
                    gallery.model_id = self.pipelines.models.number_of(self.pipelines.models.default)
                in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
                if models.are_current(gallery, in_use) and gallery.liveness == policy:
                    result = write(
                        session,
                        gallery,
                        person(session, gallery),
                        prepared,
                        in_use,
                        model=models.active_fingerprint,
                        repeatable=options.repeatable,
                        check=partial(self.duplicates.check, session, gallery, models.active.card),
                        allow_duplicate=options.allow_duplicate,
                    )
                    options.also(session, result)
                    break
        else:
            raise Busy("the gallery changes its model at this moment")
        self.index_cache.try_to_catch_up(gallery.id)
        with watch.stage(Stage.DATABASE):
            return self.with_odd_faces(result, models.active.card)

    def with_odd_faces(self, result: EnrolmentResult, card: ModelCard) -> EnrolmentResult:
        """With the person's odd faces. The faces are enrolled already: a failure is only logged."""
        if not result.faces or result.faces_total < MIN_FACES:
            return result
        identity_id = result.identity.id
        try:
            with self.database.reading() as session:
                return replace(result, odd_faces=odd_faces.of_identity(session, identity_id, card))
        except (Unavailable, NotFound) as error:
            log.warning("the faces of identity %s are not compared with each other: %s", identity_id, error)
            return result
