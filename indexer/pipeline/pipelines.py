"""A pipeline for each model in use, opened when it is first needed. They share the detector and the cores."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

from indexer.concurrency import ConcurrencyLimit
from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.card import ModelCard
from indexer.inference.load import ProcessorLoad
from indexer.pipeline.models import GalleryModels
from indexer.pipeline.pipeline import Pipeline
from indexer.records.tables import Gallery
from indexer.vision.decoding.decoder import Decoder
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.refine import LandmarkRefiner
from indexer.vision.recognisability import RecognisabilityNetwork


class PipelineFactory:
    """Opens a process's pipelines and keeps them. Safe to call from several threads; `close` it."""

    def __init__(
        self,
        detector: Detector,
        refiner: LandmarkRefiner,
        *,
        decoder: Decoder,
        detection_limit: ConcurrencyLimit,
        load: ProcessorLoad,
        open_embedder: Callable[[ModelCard], BatchingEmbedder],
        quality_network: RecognisabilityNetwork | None = None,
    ) -> None:
        """`detection_limit` and `load`: for all pipelines together, as of `Pipeline`."""
        self._detector = detector
        self._refiner = refiner
        self._decoder = decoder
        self._detection_limit = detection_limit
        self.load = load
        """Of the process, for all networks."""
        self._open_embedder = open_embedder
        self._quality_network = quality_network
        self._pipelines: dict[str, Pipeline] = {}
        """By fingerprint."""
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._stack.callback(decoder.close)

    def pipeline(self, card: ModelCard) -> Pipeline:
        """Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        pipeline = self._pipelines.get(card.fingerprint)
        if pipeline is None:
            with self._lock:
                pipeline = self._pipelines.get(card.fingerprint) or self._open(card)
        return pipeline

    def close(self) -> None:
        """Ends the networks and the decoder's processes."""
        self._stack.close()

    def _open(self, card: ModelCard) -> Pipeline:
        embedder = self._stack.enter_context(closing(self._open_embedder(card)))
        pipeline = self._pipelines[card.fingerprint] = Pipeline(
            detector=self._detector,
            refiner=self._refiner,
            embedder=embedder,
            decoder=self._decoder,
            detection_limit=self._detection_limit,
            load=self.load,
            quality_network=self._quality_network,
        )
        return pipeline


class Pipelines:
    """The pipeline of a gallery, or of a model."""

    def __init__(self, factory: PipelineFactory, models: GalleryModels) -> None:
        """Opens the default model. Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        self._factory = factory
        self.models = models
        self.default = factory.pipeline(models.default)

    def for_gallery(self, gallery: Gallery) -> Pipeline:
        """Raises ModelUnavailable, WeightsMissing, WeightsDamaged, CardUnusable."""
        return self._factory.pipeline(self.models.for_gallery(gallery))

    def for_card(self, card: ModelCard) -> Pipeline:
        """Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        return self._factory.pipeline(card)

    def by_number(self, model: int) -> Pipeline:
        """`model`: its number in the database.

        Raises ModelUnavailable, WeightsMissing, WeightsDamaged, CardUnusable."""
        return self._factory.pipeline(self.models.by_number(model))
