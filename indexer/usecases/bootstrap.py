"""The one place where everything is wired together, for the service and for the command line."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from indexer.access.authenticator import Authenticator
from indexer.access.key_limits.limiter import KeyLimiter
from indexer.access.rejections import Rejections
from indexer.calibration.check.tally import SearchTally
from indexer.calibration.resolver import CalibrationResolver
from indexer.concurrency import ConcurrencyLimit
from indexer.duplicates.check import DuplicateChecker
from indexer.embedding import catalog, embedder
from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.card import ModelCard
from indexer.inference.load import ProcessorLoad
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import PipelineFactory, Pipelines
from indexer.recent_errors import RecentErrors
from indexer.records.audit import partitions
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.database.session import JOB_TIMEOUTS, REQUEST_TIMEOUTS, Database
from indexer.records.embedded import database_url
from indexer.replica.builds import IndexBuilds
from indexer.replica.cache import IndexCache
from indexer.replica.heartbeat import Heartbeat
from indexer.replica.store import IndexStore
from indexer.replica.sync import IndexSync
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.usecases.enrol import Enroller
from indexer.usecases.identify import Identifier
from indexer.usecases.match_limits import MatchLimits
from indexer.usecases.people.editor import PeopleEditor
from indexer.usecases.prepare_images import ImagePreparer
from indexer.usecases.quality_gate import QualityGate
from indexer.usecases.search_reporter import SearchReporter
from indexer.usecases.searches.recorder import SearchRecorder
from indexer.vision.decoding.decoder import Decoder
from indexer.vision.detect import Detector
from indexer.vision.recognisability import RecognisabilityNetwork
from indexer.vision.refine import LandmarkRefiner
from indexer.vision.yunet import YuNet
from indexer.weights.locate import find, is_present, locate
from indexer.weights.published import LIGHTQNET, YUNET
from indexer.weights.store import WeightStore

log = logging.getLogger(__name__)

WAITING_PER_THREAD = 4
"""Callers that may queue for the network, per request thread; the next one gets Busy. Work without a client
waits."""
THREADS_FOR_ORDINARY = 2
"""Request threads that pictures with a slow decode cannot take."""
CONNECTIONS_BESIDE = (
    2
    + IndexSync.THREADS
    + Heartbeat.THREADS
    + SearchReporter.THREADS
    + IndexBuilds.THREADS
    + Authenticator.THREADS
    + Rejections.THREADS
    + KeyLimiter.CONNECTIONS
)
"""Connections to PostgreSQL besides one per request thread: one for the readiness check, one for each
background thread, those of the limits of keys, and one for duplicate checks. So requests never wait for a
connection, except that duplicate checks of several galleries take turns: each reads the change log while its
transaction holds a connection."""
LISTENERS = 2
"""Connections of a process that listen: for changes of galleries, and of API keys."""


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
    identifier: Identifier
    enroller: Enroller
    people: PeopleEditor
    search_writer: SearchWriter
    index_sync: IndexSync | None = None
    """Only in a process that serves, like all that follow."""
    heartbeat: Heartbeat | None = None
    authenticator: Authenticator | None = None
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

    Raises DatabaseUnavailable, DatabaseNotMigrated, WeightsMissing, WeightsDamaged.
    """
    with ExitStack() as stack:
        errors = RecentErrors()
        if serving:
            stack.enter_context(errors.attached())
        database = Database(
            database_url(settings),
            pool_size=settings.threads + CONNECTIONS_BESIDE,
            timeouts=REQUEST_TIMEOUTS if serving else JOB_TIMEOUTS,
            audit=settings.audit == "on",
        )
        stack.callback(database.close)
        index_store = IndexStore.of(settings, database, default_card(settings))
        index_cache = IndexCache(
            database,
            index_store,
            patience_seconds=settings.index_patience_s,
            memory_bytes=settings.index_memory_bytes,
        )
        stack.callback(index_cache.close)
        preloading = index_cache.preload() if serving else []  # continues while the model is loaded
        factory = stack.enter_context(
            open_pipeline_factory(settings, processes=settings.workers if serving else 1, serving=serving)
        )
        pipelines = Pipelines(factory, index_store.models)
        tally = SearchTally()
        index_sync, heartbeat, authenticator, rejections, key_limiter = None, None, None, None, None
        if serving:
            key = settings.api_key
            authenticator = Authenticator(
                database, bootstrap_key=None if key is None else key.get_secret_value()
            )
            stack.callback(authenticator.close)
            rejections = Rejections(database)
            stack.callback(rejections.close)
            key_limiter = KeyLimiter(database)
            stack.callback(key_limiter.close)
            heartbeat = Heartbeat(database, index_cache, errors)
            stack.callback(heartbeat.close)
            index_sync = IndexSync(database, index_cache, pipelines)
            stack.callback(index_sync.close)
            stack.callback(SearchReporter(database, tally).close)
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
        quality_gate = QualityGate(
            min_face_px=settings.min_face_px,
            min_sharpness=settings.min_sharpness,
            min_quality=settings.min_quality,
            max_miss_rate=settings.max_miss_rate,
        )
        search_writer = SearchWriter(
            database,
            required=settings.audit_searches != "best-effort",
            durable=settings.audit_searches == "durable",
        )
        records_searches = database.audit and settings.audit_searches != "off"
        recorder = SearchRecorder(database=database, write=search_writer.record if records_searches else None)
        yield Engine(
            database=database,
            weight_store=WeightStore.of(settings),
            index_store=index_store,
            pipelines=pipelines,
            index_cache=index_cache,
            calibrations=calibrations,
            recorder=recorder,
            identifier=Identifier(
                database=database,
                pipelines=pipelines,
                index_cache=index_cache,
                calibrations=calibrations,
                patience_seconds=settings.index_patience_s,
                match_limits=match_limits,
                recorder=recorder,
                tally=tally,
            ),
            enroller=Enroller(
                database=database,
                pipelines=pipelines,
                index_cache=index_cache,
                preparer=ImagePreparer(quality_gate=quality_gate),
                duplicates=DuplicateChecker(index_cache=index_cache, calibrations=calibrations),
            ),
            people=PeopleEditor(database=database, index_cache=index_cache),
            search_writer=search_writer,
            index_sync=index_sync,
            heartbeat=heartbeat,
            authenticator=authenticator,
            rejections=rejections,
            key_limiter=key_limiter,
        )


@contextmanager
def open_pipeline(settings: Settings, *, processes: int = 1) -> Iterator[Pipeline]:
    """The default model's pipeline, which needs no database. Raises WeightsMissing, WeightsDamaged."""
    with open_pipeline_factory(settings, processes=processes) as factory:
        yield factory.pipeline(default_card(settings))


@contextmanager
def open_pipelines(settings: Settings, models: Sequence[str]) -> Iterator[list[Pipeline]]:
    """One pipeline for each of `models`, names that `catalog.named` accepts. The pipelines share a detector.

    Raises ModelUnknown, CardUnusable, WeightsMissing, WeightsDamaged.
    """
    cards = [catalog.named(name, mirror=settings.mirror) for name in models]
    with open_pipeline_factory(settings) as factory:
        yield [factory.pipeline(card) for card in cards]


@contextmanager
def open_pipeline_factory(
    settings: Settings, *, processes: int = 1, serving: bool = False
) -> Iterator[PipelineFactory]:
    """`processes`: how many processes share the machine's cores, this one included. `serving`: whether a
    request gets Busy that finds the queue for the network full, or gets no slot to decode or detect within
    `decoding_patience_s`.

    Raises WeightsMissing, WeightsDamaged.
    """
    cores = max(1, (os.cpu_count() or 1) // processes)
    load = ProcessorLoad()
    patience_seconds = settings.decoding_patience_s if serving else None
    weights = WeightStore.of(settings)

    def open_batching(card: ModelCard) -> BatchingEmbedder:
        threads = settings.embedder_threads or cores
        opened = embedder.open_embedder(
            card,
            runtime=settings.runtime,
            precision=settings.precision,
            device=settings.device,
            threads=threads,
            load=load,
            store=weights,
        )
        return BatchingEmbedder(
            opened,
            max_batch=settings.embedder_max_batch,
            max_waiting=settings.threads * WAITING_PER_THREAD if serving else None,
            threads=threads if opened.runs_batches_at_once else 1,
        )

    yunet = locate(YUNET)
    factory = PipelineFactory(
        Detector(
            YuNet(
                yunet,
                min_confidence=settings.min_detection_confidence,
                threads=cores,
                load=load,
            ),
            size_px=settings.detection_size_px,
        ),
        LandmarkRefiner(yunet, threads=cores),
        decoder=Decoder(
            max_pixels=settings.max_pixels,
            max_seconds=settings.max_decoding_s,
            processes=max(2, cores),
            patience_seconds=patience_seconds,
            max_callers=max(1, settings.threads - THREADS_FOR_ORDINARY) if serving else None,
        ),
        detection_limit=ConcurrencyLimit(
            cores, purpose="slot for face detection", patience_seconds=patience_seconds
        ),
        load=load,
        open_embedder=open_batching,
        quality_network=_open_quality_network(settings, weights, threads=cores),
    )
    try:
        yield factory
    finally:
        factory.close()


def _open_quality_network(
    settings: Settings, store: WeightStore, *, threads: int
) -> RecognisabilityNetwork | None:
    """None where its weights were neither fetched nor added. Raises WeightsDamaged."""
    if not is_present(LIGHTQNET, store):
        if settings.max_match_miss_rate < 1:
            log.warning(
                "GEMEL_MAX_MATCH_MISS_RATE has no effect without the quality network: `gemel models fetch"
                " lightqnet`"
            )
        return None
    return RecognisabilityNetwork(locate(LIGHTQNET, store), threads=threads)


def default_card(settings: Settings) -> ModelCard:
    """The model for galleries that have none yet. Raises ModelUnknown, CardUnusable, WeightsMissing."""
    return catalog.named(settings.model, mirror=settings.mirror)


def check_weights(card: ModelCard, settings: Settings) -> None:
    """Raises WeightsMissing if a file of `card` is not on this machine. Reads no content."""
    store = WeightStore.of(settings)
    for file in card.weights:
        find(file, store)


def connections(settings: Settings) -> int:
    """The most connections to PostgreSQL that all serving processes hold."""
    return settings.workers * (settings.threads + CONNECTIONS_BESIDE + LISTENERS)
