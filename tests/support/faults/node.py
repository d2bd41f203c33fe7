"""A process's engine without the network: people are numbers, and so are their faces."""

import gc
import hashlib
import resource
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from indexer.calibration.resolver import CalibrationResolver
from indexer.duplicates.check import DuplicateChecker
from indexer.embedding.card import ModelCard
from indexer.embedding.catalog import sface
from indexer.errors import ExternalIdTaken, NothingEnrolled
from indexer.inference.load import ProcessorLoad
from indexer.pipeline.models import GalleryModels
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.pipeline.pipelines import PipelineFactory, Pipelines
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import identities, identity_lists
from indexer.records.tables import Gallery, Identity
from indexer.replica import maintenance, rebuild_policy, verification
from indexer.replica.cache import IndexCache
from indexer.replica.heartbeat import Heartbeat
from indexer.replica.store import IndexStore, index_store
from indexer.replica.sync import IndexSync
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Box, Crop, Enrolment, Face, Quality, Vectors
from indexer.usecases.bootstrap import open_attributes
from indexer.usecases.bootstrap.sharding import open_sharding
from indexer.usecases.enrol import Enroller, NewIdentity
from indexer.usecases.enrolment.models import EnrolmentModels
from indexer.usecases.enrolment.prepare_images import ImagePreparer, PreparedImages
from indexer.usecases.enrolment.quality_gate import QualityGate
from indexer.usecases.enrolment.transaction import EnrolmentTransaction
from indexer.usecases.identify import Identifier
from indexer.usecases.searches.match_limits import MatchLimits
from indexer.usecases.searches.nearest import named_first, nearest_people
from indexer.usecases.searches.recorder import SearchRecorder
from indexer.visitors.memory import MOST, VisitorMemory
from indexer.visitors.visit import ProbeFace, Resemblance, Visit
from tests.support.faults import full_disk
from tests.support.faults.death import die_at

CARD = sface(mirror=True)
GALLERY = "staff"
SMALL = {
    (index_store, "SNAPSHOT_MIN_FACES"): 20,
    (rebuild_policy, "MIN_DELETED"): 10,
}
"""What a gallery of 30 people is large enough for, here."""
_FACE = Face(box=Box(x=1, y=2, width=3, height=4), landmarks=np.zeros((5, 2), np.float32), confidence=0.9)
_QUALITY = Quality(score=90, size=90, sharpness=90, exposure=90, pose=90, face_px=100.0, sharpness_ratio=0.1)


FURTHER = 1_000_000
"""A further photograph of a person has the person's number plus a multiple of this."""


def embedding(photograph: int) -> Vectors:
    """(dimension,), of length 1: strangers are nearly at right angles, and photographs of a person alike."""
    person, number = photograph % FURTHER, photograph // FURTHER
    vector = _direction(person) + 0.05 * number * _direction(photograph)
    unit: Vectors = vector / np.linalg.norm(vector)
    return unit


def _direction(seed: int) -> Vectors:
    vector = np.random.default_rng(seed).standard_normal(CARD.dimension).astype(np.float32)
    unit: Vectors = vector / np.linalg.norm(vector)
    return unit


class _Numbers(ImagePreparer):
    """Takes a number for a photograph."""

    __slots__ = ()

    def prepare(self, images: Sequence[bytes], models: EnrolmentModels, *_: Any) -> PreparedImages:
        enrolments = {
            i: Enrolment(
                face=_FACE,
                quality=_QUALITY,
                vectors={models.active_fingerprint: embedding(int(data))},
                image_sha256=hashlib.sha256(data).digest(),
                crop=None,
            )
            for i, data in enumerate(images)
        }
        return PreparedImages(enrolments=enrolments)

    def prepare_several(
        self, people: Sequence[Sequence[bytes]], models: EnrolmentModels, *_: Any
    ) -> list[PreparedImages]:
        return [self.prepare(images, models) for images in people]


def _pipelines(models: GalleryModels) -> Pipelines:
    """That know their card, and never look at anything."""

    def pipeline(card: ModelCard) -> Pipeline:
        return cast(Pipeline, SimpleNamespace(card=card))

    return Pipelines(cast(PipelineFactory, SimpleNamespace(pipeline=pipeline)), models)


class Node:
    def __init__(
        self,
        url: str,
        home: Path,
        *,
        keeping: bool = True,
        patience_seconds: float = 30.0,
        poll_seconds: float = 0.2,
        sharded: Mapping[str, Any] | None = None,
        **index_cache: Any,
    ) -> None:
        """`sharded`: settings of a process that searches large galleries on a Ray cluster, by name."""
        self.database = Database(url, pool_size=12)
        settings = Settings(
            home=home, database_url=url, index_patience_s=patience_seconds, **dict(sharded or {})
        )
        self.index_store = IndexStore.of(settings, self.database, CARD)
        self.sharding = open_sharding(settings, CARD, serving=True)
        if self.sharding is not None:
            index_cache["make_index"] = self.sharding.make_index
        self.index_cache = IndexCache(
            self.database, self.index_store, patience_seconds=patience_seconds, **index_cache
        )
        pipelines = _pipelines(self.index_store.models)
        self.index_sync = (
            IndexSync(self.database, self.index_cache, pipelines, poll_seconds=poll_seconds)
            if keeping
            else None
        )
        self.heartbeat = Heartbeat(self.database, self.index_cache) if keeping else None
        calibrations = CalibrationResolver(self.database, self.index_store.models, 0.01)
        self.calibrations = calibrations
        attributes = open_attributes(settings, ProcessorLoad())
        self.enroller = Enroller(
            transaction=EnrolmentTransaction(
                database=self.database,
                pipelines=pipelines,
                index_cache=self.index_cache,
                preparer=_Numbers(
                    quality_gate=QualityGate(min_face_px=0, min_sharpness=0, min_quality=0, max_miss_rate=1),
                    attributes=attributes,
                ),
                duplicates=DuplicateChecker(index_cache=self.index_cache, calibrations=calibrations),
            )
        )
        self.identifier = Identifier(
            database=self.database,
            pipelines=pipelines,
            index_cache=self.index_cache,
            calibrations=calibrations,
            attributes=attributes,
            patience_seconds=patience_seconds,
            match_limits=MatchLimits(min_face_px=0, min_sharpness=0, max_miss_rate=1),
            recorder=SearchRecorder(writer=None),
        )

        self.visitors = VisitorMemory(
            database=self.database,
            index_cache=self.index_cache,
            calibrations=calibrations,
            models=self.index_store.models,
            rejects=lambda _: None,
        )

    def close(self) -> None:
        for threads in (self.index_sync, self.heartbeat):
            if threads is not None:
                threads.close()
        self.index_cache.close()
        if self.sharding is not None:
            self.sharding.close()
        self.database.close()

    def gallery(self, name: str = GALLERY) -> Gallery:
        with self.database.reading() as session:
            return galleries.get(session, name)

    def enrol(self, person: int, gallery: str = GALLERY) -> int:
        """The number of the change."""
        new = NewIdentity(external_id=str(person))
        return self.enroller.create(gallery, new, [str(person).encode()]).change_number

    def photograph(self, person: int, number: int) -> int | None:
        """Enrols a further photograph; the number of the change, None where that is enrolled already."""
        found = self.identity(person)
        assert found is not None
        try:
            image = str(person + number * FURTHER).encode()
            return self.enroller.add(GALLERY, found.id, [image]).change_number
        except NothingEnrolled:
            return None

    def identity(self, person: int, gallery: str = GALLERY) -> Identity | None:
        with self.database.reading() as session:
            return identities.find_by_external_id(session, galleries.get(session, gallery).id, str(person))

    def delete(self, person: int, gallery: str = GALLERY) -> None:
        found = self.identity(person, gallery)
        assert found is not None
        self.enroller.remove_identity(gallery, found.id)

    def finds(self, person: int, gallery: str = GALLERY) -> bool:
        """Whether a search for the person finds them, and no trace of them where it does not."""
        found = self.identifier.search(gallery, embedding(person).tolist(), max_candidates=3).candidates
        return any(c.owner.external_id == str(person) and c.score > 0.99 for c in found)

    def see(self, photograph: int, gallery: str = GALLERY) -> Visit | None:
        """Searches for the photograph's face, and remembers it if it is unknown."""
        row, vector = self.gallery(gallery), embedding(photograph)
        [hits], size, *_ = nearest_people(
            self.database, self.index_cache, row, CARD, vector[np.newaxis], MOST, Stopwatch()
        )
        threshold = self.calibrations.decide(row, CARD, size).threshold
        people = [Resemblance(owner=hit.owner, person=hit.person) for hit in named_first(hits, threshold)]
        return self.remember(photograph, people, threshold, gallery)

    def remember(
        self,
        photograph: int,
        people: Sequence[Resemblance],
        threshold: float,
        gallery: str | Gallery = GALLERY,
    ) -> Visit | None:
        """`people`: whom a search has found, maybe some time ago. `gallery`: its name, or as it was then."""
        probe = ProbeFace(
            aligned=AlignedFace(face=_FACE, pictures=(), quality=_QUALITY),
            vector=embedding(photograph),
            people=people,
            crop=Crop(jpeg=b"a crop", landmarks=np.zeros((5, 2), np.float32)),
            image_sha256=photograph.to_bytes(32, "big"),
            audit_id=None,
        )
        row = self.gallery(gallery) if isinstance(gallery, str) else gallery
        return self.visitors.remember(row, CARD, threshold, probe)

    def enrolled(self, gallery: str = GALLERY) -> set[int]:
        """In PostgreSQL, as it says itself."""
        with self.database.reading() as session:
            page = identity_lists.page(session, galleries.get(session, gallery).id, after=None, limit=100_000)
            return {int(one.external_id or -1) for one in page}

    def verify(self) -> verification.Verification:
        return verification.verify(self.index_store, self.gallery())

    def obey(self, order: dict[str, Any]) -> Any:
        match order["do"]:
            case "enrol":
                try:
                    return self.enrol(order["person"])
                except ExternalIdTaken:
                    return None
            case "photograph":
                return self.photograph(order["person"], order["number"])
            case "delete":
                return self.delete(order["person"])
            case "see":
                visit = self.see(order["photograph"])
                return visit and visit.outcome.value
            case "search":
                return self.finds(order["person"])
            case "snapshot":
                return maintenance.snapshot(self.index_store, self.gallery())
            case "rebuild":
                try:
                    return maintenance.rebuild(self.index_store, self.gallery())
                except OSError as error:
                    return str(error)
            case "limit":  # no file may get longer: the disk is full
                full_disk.fill(order["bytes"])
            case "swap":
                self.index_cache.of(self.gallery()).build().result()
            case "live":  # people come, are found, and go; the index is rebuilt now and then
                for person in range(order["people"]):
                    self.enrol(1_000 + person)
                    assert self.finds(1_000 + person)
                    self.delete(1_000 + person)
                    if person % 50 == 0:
                        self.obey({"do": "swap"})
                gc.collect()
                return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
            case "die":
                die_at(order["step"])
        return None


def serve(url: str, home: Path, orders: "Connection[Any, Any]") -> None:
    """Obeys orders until nobody sends any more, and kills itself where an order says so."""
    for (module, name), value in SMALL.items():
        setattr(module, name, value)
    node = Node(url, home, keeping=False)
    while True:
        try:
            order = orders.recv()
        except EOFError:
            return
        orders.send(node.obey(order))
