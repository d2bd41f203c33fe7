"""Opens heads when they are first needed, and has them estimate the faces of a photograph."""

import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from indexer.attributes.estimate import NO_ESTIMATES, Estimates
from indexer.attributes.head import FaceView, Head
from indexer.attributes.heads.opening import HEADS, HeadKind, HeadSources
from indexer.concurrency import ConcurrencyLimit, raise_if_abandoned
from indexer.errors import AttributeNotPermitted, AttributeUnavailable, WeightsDamaged, WeightsMissing
from indexer.inference.load import ProcessorLoad
from indexer.pipeline.pipeline import Photograph
from indexer.rate_limited_log import RateLimitedLog
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute, needed_for
from indexer.weights.locate import is_present
from indexer.weights.published import set_of
from indexer.weights.store import WeightStore

_unopened = RateLimitedLog(logging.getLogger(__name__))


class AttributeReader:
    """Safe to call from several threads."""

    def __init__(
        self,
        permitted: Collection[Attribute],
        store: WeightStore,
        *,
        threads: int,
        kinds: Mapping[Attribute, HeadKind] = HEADS,
        max_faces: int | None = None,
        load: ProcessorLoad | None = None,
        limit: ConcurrencyLimit | None = None,
    ) -> None:
        """`permitted`: in this installation. `threads`: how many faces a head takes in at once. `kinds`: of
        the heads. `max_faces`: of a photograph that get estimates, the largest; None: all. `load`: of the
        process. `limit`: for the photographs whose faces are estimated at once: more than there are cores
        would only take the processor from those requests that do not ask for attributes."""
        self._permitted = frozenset(permitted)
        self._store = store
        self._kinds = kinds
        self._sources = HeadSources(store, threads)
        self._max_faces = max_faces
        self._load = load or ProcessorLoad()
        self._limit = limit or ConcurrencyLimit(threads, purpose="slot for attributes")
        self._turns = threading.local()
        self._heads: dict[tuple[Attribute, frozenset[Attribute]], Head] = {}
        """By the attribute, and by the permitted ones that improve it."""
        self._lock = threading.Lock()

    def check(self, requested: Collection[Attribute], gallery_permits: Collection[str] | None = None) -> None:
        """Before anything is decoded. `gallery_permits`: by the gallery's policy; None: whatever the
        installation permits. Raises AttributeNotPermitted, AttributeUnavailable."""
        for attribute in requested:
            for needed in needed_for(attribute):
                of = "" if needed is attribute else f", from which {attribute} is estimated"
                if needed not in self._permitted:
                    raise AttributeNotPermitted(
                        f"this installation does not permit the attribute {needed}{of}: see GEMEL_ATTRIBUTES",
                        attribute=attribute.value,
                    )
                if gallery_permits is not None and needed not in gallery_permits:
                    raise AttributeNotPermitted(
                        f"the gallery's policy does not permit the attribute {needed}{of}",
                        attribute=attribute.value,
                    )
            if not self.is_available(attribute):
                raise AttributeUnavailable(
                    f"there is no network for the attribute {attribute} on this machine:"
                    f" {self._advice(attribute)}",
                    attribute=attribute.value,
                )

    def is_permitted(self, attribute: Attribute, gallery_permits: Collection[str] | None = None) -> bool:
        """Whether it is permitted, and so is each attribute from which it is estimated. `gallery_permits`: as
        of `check`."""
        return all(
            needed in self._permitted and (gallery_permits is None or needed in gallery_permits)
            for needed in needed_for(attribute)
        )

    def kind(self, attribute: Attribute) -> HeadKind | None:
        """What estimates it; None where this version has no head for it."""
        return self._kinds.get(attribute)

    def is_available(self, attribute: Attribute) -> bool:
        """Whether there is a head for it, with its weights on this machine."""
        kind = self._kinds.get(attribute)
        return kind is not None and all(is_present(file, self._store) for file in kind.weights)

    def usable(
        self, attributes: Collection[Attribute], gallery_permits: Collection[str] | None
    ) -> tuple[Attribute, ...]:
        """Those that are permitted and available, and whose weights are not damaged. Damaged weights are only
        logged, because this is for attributes that no request has named. `gallery_permits`: as of `check`."""
        return tuple(
            attribute
            for attribute in attributes
            if self.is_permitted(attribute, gallery_permits)
            and self.is_available(attribute)
            and self._opens(attribute, self._permitted_by(gallery_permits))
        )

    def _permitted_by(self, gallery_permits: Collection[str] | None) -> frozenset[Attribute]:
        if gallery_permits is None:
            return self._permitted
        return frozenset(each for each in self._permitted if each in gallery_permits)

    def _opens(self, attribute: Attribute, permitted: frozenset[Attribute]) -> bool:
        """Whether its head can be opened. Logs why not."""
        try:
            self._head(attribute, permitted)
        except (WeightsMissing, WeightsDamaged) as error:
            _unopened.line(
                logging.WARNING, error.message, "%s is not estimated: %s", attribute, error.message
            )
            return False
        return True

    def missing(self, attribute: Attribute) -> list[str]:
        """Names of the networks whose weights are not on this machine, as `gemel models fetch` takes them."""
        kind = self._kinds.get(attribute)
        files = () if kind is None else kind.weights
        sets = [set_of(file) for file in files if not is_present(file, self._store)]
        return list(dict.fromkeys(each.name for each in sets if each is not None))

    def _advice(self, attribute: Attribute) -> str:
        names = self.missing(attribute)
        return f"`gemel models fetch {' '.join(names)}`" if names else "this version has none"

    @contextmanager
    def turn(self, requested: Collection[Attribute], watch: Stopwatch) -> Iterator[None]:
        """Holds a slot for a photograph, where attributes are requested. Enter it before the photograph is
        decoded: its pixels would take memory while it waits. A thread that has a turn needs no other. Raises
        Busy, Abandoned."""
        if not requested or getattr(self._turns, "held", False):
            yield
            return
        with ExitStack() as held:
            with self._load.task(), watch.stage(Stage.WAIT):
                held.enter_context(self._limit.slot())
            self._turns.held = True
            held.callback(setattr, self._turns, "held", False)
            yield

    def read(
        self,
        photograph: Photograph,
        requested: Collection[Attribute],
        watch: Stopwatch,
        gallery_permits: Collection[str] | None = None,
    ) -> list[Estimates]:
        """As `estimate`, in a turn of its own."""
        with self.turn(requested if photograph.faces else (), watch):
            return self.estimate(photograph, requested, watch, gallery_permits)

    def estimate(
        self,
        photograph: Photograph,
        requested: Collection[Attribute],
        watch: Stopwatch,
        gallery_permits: Collection[str] | None = None,
    ) -> list[Estimates]:
        """The estimates of each face of the photograph, in the order of the faces; NO_ESTIMATES for those
        beyond `max_faces`. Call it within a `turn`, and after `check`. `gallery_permits`: as of `check`; here
        it says which networks may run for other attributes. Raises Abandoned, WeightsMissing,
        WeightsDamaged."""
        permitted = self._permitted_by(gallery_permits)
        faces = photograph.faces[: self._max_faces] if requested else []
        views = [FaceView.of(photograph, face, permitted) for face in faces]
        estimated = self._estimated(views, requested, watch, permitted) if views else []
        return estimated + [NO_ESTIMATES] * (len(photograph.faces) - len(estimated))

    def _estimated(
        self,
        views: list[FaceView],
        requested: Collection[Attribute],
        watch: Stopwatch,
        permitted: frozenset[Attribute],
    ) -> list[Estimates]:
        columns = {}
        with self._load.task():
            for attribute in requested:
                raise_if_abandoned()
                with watch.stage(Stage.ATTRIBUTES):
                    columns[attribute] = self._head(attribute, permitted).estimate(views)
        return [
            {attribute.value: estimates[number] for attribute, estimates in columns.items()}
            for number in range(len(views))
        ]

    def _head(self, attribute: Attribute, permitted: frozenset[Attribute]) -> Head:
        """`permitted`: the weights of others are not even read, which may be damaged."""
        kind = self._kinds[attribute]
        key = attribute, permitted.intersection(kind.better_with)
        head = self._heads.get(key)  # another head that is opened just then holds up nobody
        if head is None:
            with self._lock:
                head = self._heads.get(key) or kind.open(self._sources.permitting(permitted))
                self._heads[key] = head
        return head
