"""Pipelines and their networks: the detector, the embedders, the quality network. They need no database."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from indexer.attributes.heads.opening import HEADS, HeadKind, with_trained_expression
from indexer.attributes.heads.trained_expression import read_trained
from indexer.attributes.reader import AttributeReader
from indexer.concurrency import ConcurrencyLimit
from indexer.embedding import catalog, embedder
from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.card import ModelCard
from indexer.inference.load import ProcessorLoad
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import PipelineFactory
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.vision.decoding.decoder import Decoder
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.refine import LandmarkRefiner
from indexer.vision.detection.yunet import YuNet
from indexer.vision.recognisability import RecognisabilityNetwork
from indexer.weights.locate import find, is_present, locate
from indexer.weights.published import LIGHTQNET, YUNET
from indexer.weights.store import WeightStore

log = logging.getLogger(__name__)

WAITING_PER_THREAD = 4
"""Callers that may queue for the network, per request thread; the next one gets Busy. Work without a client
waits."""
BACKGROUND_BATCH = 4
"""Faces that an import embeds at once on a processor. Of SFace, a face in a batch of 4 takes 0.95 of the time
that it takes alone; larger batches are hardly faster, and a request waits for longer."""
THREADS_FOR_ORDINARY = 2
"""Request threads that pictures with a slow decode cannot take."""


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
            background_batch=BACKGROUND_BATCH if opened.runs_batches_at_once else None,
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


def attribute_reader(settings: Settings) -> AttributeReader:
    """For a command, which has no other work. Raises what `head_kinds` raises."""
    return AttributeReader(
        settings.permitted_attributes, WeightStore.of(settings), threads=1, kinds=head_kinds(settings)
    )


def head_kinds(settings: Settings) -> Mapping[Attribute, HeadKind]:
    """With the operator's own head of expressions, if there is one, which is read and verified.

    Raises CardUnusable, WeightsMissing, WeightsDamaged."""
    if settings.expression_head is None:
        return HEADS
    return with_trained_expression(read_trained(settings.expression_head.expanduser()))


def open_attributes(
    settings: Settings, load: ProcessorLoad, *, processes: int = 1, serving: bool = False
) -> AttributeReader:
    """Heads are opened when they are first needed. `load`: that of the pipelines. `processes`, `serving`: as
    of `open_pipeline_factory`. Raises what `head_kinds` raises."""
    cores = max(1, (os.cpu_count() or 1) // processes)
    return AttributeReader(
        settings.permitted_attributes,
        WeightStore.of(settings),
        threads=cores,
        kinds=head_kinds(settings),
        max_faces=settings.max_faces,
        load=load,
        limit=ConcurrencyLimit(
            cores,
            purpose="slot for attributes",
            patience_seconds=settings.decoding_patience_s if serving else None,
        ),
    )


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
