"""Opens heads when they are first asked for, and asks them about the faces of a photograph."""

import threading
from collections.abc import Collection

from indexer.attributes.estimate import Estimates
from indexer.attributes.head import FaceView, Head
from indexer.attributes.heads.opening import HEADS
from indexer.errors import AttributeNotPermitted, AttributeUnavailable
from indexer.pipeline.pipeline import Photograph
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute
from indexer.weights.locate import is_present
from indexer.weights.store import WeightStore


class AttributeReader:
    """Safe to call from several threads."""

    def __init__(self, permitted: Collection[Attribute], store: WeightStore, *, threads: int) -> None:
        """`permitted`: in this installation. `threads`: how many faces a head takes in at once."""
        self._permitted = frozenset(permitted)
        self._store = store
        self._threads = threads
        self._heads: dict[Attribute, Head] = {}
        self._lock = threading.Lock()

    def check(self, wanted: Collection[Attribute], gallery_permits: Collection[str] | None = None) -> None:
        """Before anything is decoded. `gallery_permits`: by the gallery's policy; None: whatever the
        installation permits. Raises AttributeNotPermitted, AttributeUnavailable."""
        for attribute in wanted:
            if attribute not in self._permitted:
                raise AttributeNotPermitted(
                    f"this installation does not permit the attribute {attribute}: see GEMEL_ATTRIBUTES",
                    attribute=attribute.value,
                )
            if gallery_permits is not None and attribute not in gallery_permits:
                raise AttributeNotPermitted(
                    f"the gallery's policy does not permit the attribute {attribute}",
                    attribute=attribute.value,
                )
            if not self.is_available(attribute):
                raise AttributeUnavailable(
                    f"the weights for the attribute {attribute} are not on this machine:"
                    " `gemel models list` says how to get them",
                    attribute=attribute.value,
                )

    def is_available(self, attribute: Attribute) -> bool:
        """Whether there is a head for it, with its weights on this machine."""
        kind = HEADS.get(attribute)
        return kind is not None and all(is_present(file, self._store) for file in kind.weights)

    def read(
        self, photograph: Photograph, wanted: Collection[Attribute], watch: Stopwatch
    ) -> list[Estimates]:
        """Of each face of the photograph, in their order. Raises WeightsMissing, WeightsDamaged."""
        if not wanted:
            return [{} for _ in photograph.faces]
        with watch.stage(Stage.ATTRIBUTES):
            views = [
                FaceView(
                    pixels=photograph.pixels,
                    divisor=photograph.divisor,
                    face=aligned.face,
                    quality=aligned.quality,
                )
                for aligned in photograph.faces
            ]
            columns = {attribute: self._head(attribute).estimate(views) for attribute in wanted}
        return [
            {attribute.value: estimates[number] for attribute, estimates in columns.items()}
            for number in range(len(views))
        ]

    def _head(self, attribute: Attribute) -> Head:
        with self._lock:
            if attribute not in self._heads:
                self._heads[attribute] = HEADS[attribute].open(self._store, self._threads)
            return self._heads[attribute]
