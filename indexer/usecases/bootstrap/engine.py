"""All parts of a process that recognises faces, and in what order they are opened and closed."""

from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from indexer.access.authenticator import Authenticator
from indexer.access.key_limits.limiter import KeyLimiter
from indexer.access.rejections import Rejections
from indexer.access.sign_in.sign_ins import SignIns
from indexer.attributes.reader import AttributeReader
from indexer.calibration.check.tally import SearchTally
from indexer.calibration.resolver import CalibrationResolver
from indexer.duplicates.check import DuplicateChecker
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.recent_errors import RecentErrors
from indexer.records.audit import partitions
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.database.session import JOB_TIMEOUTS, REQUEST_TIMEOUTS, Database
from indexer.records.embedded import database_url
from indexer.replica.cache import IndexCache
from indexer.replica.gallery_index import GalleryIndex
from indexer.replica.heartbeat import Heartbeat
from indexer.replica.store import IndexStore
from indexer.replica.sync import IndexSync
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.usecases.bootstrap.connections import CONNECTIONS_BESIDE, pooled_connections
from indexer.usecases.bootstrap.networks import (
    default_card,
    open_attributes,
    open_pipeline_factory,
)
from indexer.usecases.bootstrap.sharding import open_sharding
from indexer.usecases.enrol import Enroller
from indexer.usecases.enrolment.prepare_images import ImagePreparer
from indexer.usecases.enrolment.quality_gate import QualityGate
from indexer.usecases.enrolment.transaction import EnrolmentTransaction
from indexer.usecases.identify import Identifier
from indexer.usecases.people.editor import PeopleEditor
from indexer.usecases.searches.match_limits import MatchLimits
from indexer.usecases.searches.recorder import SearchRecorder
from indexer.usecases.searches.reporter import SearchReporter
from indexer.visitors.expiry import VisitorExpiry
from indexer.visitors.memory import VisitorMemory
from indexer.weights.store import WeightStore

if TYPE_CHECKING:  # it imports Ray
    from indexer.cluster.sharding import Sharding


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Everything that one process needs to recognise faces."""

    database: Database
    weight_store: WeightStore
    index_store: IndexStore
    pipelines: Pipelines
    index_cache: IndexCache
    calibrations: CalibrationResolver
    recorder: SearchRecorder
    attributes: AttributeReader
    identifier: Identifier
    enroller: Enroller
    people: PeopleEditor
    search_writer: SearchWriter
    sharding: "Sharding | None" = None
    """Where `GEMEL_CLUSTER` is set."""
    index_sync: IndexSync | None = None
    """Only in a process that serves, like all that follow."""
    heartbeat: Heartbeat | None = None
    authenticator: Authenticator | None = None
    sign_ins: SignIns | None = None
    rejections: Rejections | None = None
    key_limiter: KeyLimiter | None = None

    @property
    def pipeline(self) -> Pipeline:
        """Of the default model: for requests without a gallery."""
        return self.pipelines.default

    @property
    def sync_problem(self) -> str | None:
        """Why the indexes are not kept up to date, or why the heartbeat fails. Takes no lock."""
        for threads in (self.index_sync, self.heartbeat, self.authenticator):
            if threads is not None and (problem := threads.problem) is not None:
                return problem
        return None


@contextmanager
def open_engine(settings: Settings, *, serving: bool = False) -> Iterator[Engine]:
    """`serving`: whether this is a worker of the service, which opens large indexes at its start and keeps
    open ones up to date.

    Raises DatabaseUnavailable, DatabaseNotMigrated, WeightsMissing, WeightsDamaged, CardUnusable.
    """
    with ExitStack() as stack:
        errors = RecentErrors()
        if serving:
            stack.enter_context(errors.attached())
        database = Database(
            database_url(settings),
            pool_size=pooled_connections(settings) if serving else settings.threads + CONNECTIONS_BESIDE,
            timeouts=REQUEST_TIMEOUTS if serving else JOB_TIMEOUTS,
            audit=settings.audit == "on",
        )
        stack.callback(database.close)
        card = default_card(settings)
        index_store = IndexStore.of(settings, database, card)
        sharding = open_sharding(settings, card, serving=serving)
        if sharding is not None:
            stack.callback(sharding.close)
        index_cache = IndexCache(
            database,
            index_store,
            patience_seconds=settings.index_patience_s,
            memory_bytes=settings.index_memory_bytes,
            make_index=GalleryIndex if sharding is None else sharding.make_index,
        )
        stack.callback(index_cache.close)
        preloading = index_cache.preload() if serving else []  # continues while the model is loaded
        factory = stack.enter_context(
            open_pipeline_factory(settings, processes=settings.workers if serving else 1, serving=serving)
        )
        pipelines = Pipelines(factory, index_store.models)
        tally = SearchTally()
        index_sync, heartbeat, authenticator, rejections, key_limiter = None, None, None, None, None
        sign_ins = None
        if serving:
            key = settings.api_key
            authenticator = Authenticator(
                database, bootstrap_key=None if key is None else key.get_secret_value()
            )
            stack.callback(authenticator.close)
            sign_ins = SignIns(database, lifetime=settings.session_lifetime, idle=settings.session_idle)
            rejections = Rejections(database)
            stack.callback(rejections.close)
            key_limiter = KeyLimiter(database)
            stack.callback(key_limiter.close)
            heartbeat = Heartbeat(database, index_cache, errors)
            stack.callback(heartbeat.close)
            index_sync = IndexSync(database, index_cache, pipelines)
            stack.callback(index_sync.close)
            stack.callback(SearchReporter(database, tally).close)
            stack.callback(VisitorExpiry(database).close)
            # Its connection is one of the requests': it takes milliseconds, once a day.
            months = Supervised(
                "audit partitions",
                partial(partitions.ensure, database),
                every_seconds=partitions.EVERY_SECONDS,
            )
            months.start()
            stack.callback(months.close)
            wait(preloading, timeout=settings.index_patience_s)
        calibrations = CalibrationResolver(database, index_store.models, settings.identify_fpir)
        match_limits = MatchLimits(
            min_face_px=settings.min_match_face_px,
            min_sharpness=settings.min_match_sharpness,
            max_miss_rate=settings.max_match_miss_rate,
        )
        quality_gate = QualityGate.of(settings)
        search_writer = SearchWriter(
            database,
            required=settings.audit_searches != "best-effort",
            durable=settings.audit_searches == "durable",
        )
        records_searches = database.audit and settings.audit_searches != "off"
        recorder = SearchRecorder(writer=search_writer if records_searches else None)
        attributes = open_attributes(
            settings, factory.load, processes=settings.workers if serving else 1, serving=serving
        )
        yield Engine(
            database=database,
            weight_store=WeightStore.of(settings),
            index_store=index_store,
            pipelines=pipelines,
            index_cache=index_cache,
            calibrations=calibrations,
            recorder=recorder,
            attributes=attributes,
            identifier=Identifier(
                database=database,
                pipelines=pipelines,
                index_cache=index_cache,
                calibrations=calibrations,
                attributes=attributes,
                patience_seconds=settings.index_patience_s,
                match_limits=match_limits,
                recorder=recorder,
                visitors=VisitorMemory(
                    database=database,
                    index_cache=index_cache,
                    calibrations=calibrations,
                    models=index_store.models,
                    rejects=quality_gate.rejection,
                ),
                tally=tally,
            ),
            enroller=Enroller(
                transaction=EnrolmentTransaction(
                    database=database,
                    pipelines=pipelines,
                    index_cache=index_cache,
                    preparer=ImagePreparer(quality_gate=quality_gate, attributes=attributes),
                    duplicates=DuplicateChecker(index_cache=index_cache, calibrations=calibrations),
                )
            ),
            people=PeopleEditor(database=database, index_cache=index_cache),
            search_writer=search_writer,
            sharding=sharding,
            index_sync=index_sync,
            heartbeat=heartbeat,
            authenticator=authenticator,
            sign_ins=sign_ins,
            rejections=rejections,
            key_limiter=key_limiter,
        )
