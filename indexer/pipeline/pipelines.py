"""A camera for each model in use, opened when it is first wanted. They share the detector and the cores."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from indexer.concurrency import Turns
from indexer.embedding.card import ModelCard
from indexer.pipeline.models import Models
from indexer.pipeline.pipeline import Camera
from indexer.records.models import Gallery
from indexer.vision.decoder import Decoder
from indexer.vision.detect import Detector

if TYPE_CHECKING:  # torch takes seconds to import
    from indexer.embedding.batching import BatchingEmbedder


class Eye:
    """What the cameras of a process have in common; `close` it to end their networks."""

    def __init__(
        self,
        detector: Detector,
        *,
        decoder: Decoder,
        looking: Turns,
        open_embedder: "Callable[[ModelCard], BatchingEmbedder]",
    ) -> None:
        """`looking`: at which pictures are decoded and searched for faces."""
        self._detector = detector
        self._decoder = decoder
        self._looking = looking
        self._open_embedder = open_embedder
        self._cameras: dict[str, Camera] = {}
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._stack.callback(decoder.close)

    def camera(self, card: ModelCard) -> Camera:
        """Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        camera = self._cameras.get(card.fingerprint)
        if camera is None:
            with self._lock:
                camera = self._cameras.get(card.fingerprint) or self._opened(card)
        return camera

    def close(self) -> None:
        self._stack.close()

    def _opened(self, card: ModelCard) -> Camera:
        embedder = self._stack.enter_context(closing(self._open_embedder(card)))
        camera = self._cameras[card.fingerprint] = Camera(
            detector=self._detector,
            embedder=embedder,
            decoder=self._decoder,
            looking=self._looking,
        )
        return camera


class Cameras:
    """Which camera looks for which gallery."""

    def __init__(self, eye: Eye, models: Models) -> None:
        """Opens the default model's. Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        self._eye = eye
        self.models = models
        self.default = eye.camera(models.default)

    def of(self, gallery: Gallery) -> Camera:
        """Raises ModelUnavailable, WeightsMissing, WeightsDamaged, CardUnusable."""
        return self._eye.camera(self.models.of(gallery))

    def with_card(self, card: ModelCard) -> Camera:
        """Raises WeightsMissing, WeightsDamaged, CardUnusable."""
        return self._eye.camera(card)

    def numbered(self, model: int) -> Camera:
        """Raises ModelUnavailable, WeightsMissing, WeightsDamaged, CardUnusable."""
        return self._eye.camera(self.models.numbered(model))
