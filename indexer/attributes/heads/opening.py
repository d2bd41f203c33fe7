"""Which head gives which attribute. To add one: a file beside this one, its weights in
`weights.published`, and a line here."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from indexer.attributes.head import Head
from indexer.attributes.heads.age_gender import AgeHead, GenderHead
from indexer.attributes.heads.expression import ExpressionHead
from indexer.attributes.heads.eyes.head import EyesHead
from indexer.attributes.heads.glasses import GlassesHead
from indexer.attributes.heads.liveness.head import LivenessHead
from indexer.attributes.heads.mask import MaskHead
from indexer.attributes.heads.occlusion import OcclusionHead
from indexer.attributes.heads.pose import PoseHead
from indexer.attributes.heads.quality import QualityHead
from indexer.attributes.heads.trained_expression import TrainedHead
from indexer.types import Attribute
from indexer.weights.file import WeightFile
from indexer.weights.locate import is_present, read_verified
from indexer.weights.published import (
    AGE,
    EXPRESSION,
    GENDER,
    GLASSES,
    HEAD_POSE_GRAPH,
    HEAD_POSE_WEIGHTS,
    IRIS,
    MASK,
    MINIFASNET_CELEBA_SPOOF,
    MINIFASNET_V1SE,
    MINIFASNET_V2,
)
from indexer.weights.store import WeightStore

LIVENESS = (MINIFASNET_V2, MINIFASNET_V1SE, MINIFASNET_CELEBA_SPOOF)

HEAD_POSE = (HEAD_POSE_GRAPH, HEAD_POSE_WEIGHTS)

AnyHead = TypeVar("AnyHead", bound=Head)


class HeadSources:
    """The weights of the heads, and the heads that others use too, each opened once. Its caller holds a lock
    while it opens one."""

    def __init__(self, store: WeightStore, threads: int) -> None:
        self.threads = threads
        """How many faces a head takes in at once."""
        self._store = store
        self._permitted: Collection[Attribute] = tuple(Attribute)
        self._opened: dict[Hashable, Any] = {}

    def permitting(self, permitted: Collection[Attribute]) -> "HeadSources":
        """The same heads, of which those of `permitted` attributes alone serve to improve another one."""
        restricted = HeadSources(self._store, self.threads)
        restricted._permitted, restricted._opened = permitted, self._opened
        return restricted

    def read(self, file: WeightFile) -> bytes:
        """Raises WeightsMissing, WeightsDamaged."""
        return read_verified(file, self._store)

    def improves(self, attribute: Attribute, *files: WeightFile) -> bool:
        """Whether the head of `attribute`, with weights in `files`, may be opened for another attribute."""
        return attribute in self._permitted and all(is_present(file, self._store) for file in files)

    @property
    def age(self) -> AgeHead:
        return self._once("age", lambda: AgeHead(self.read(AGE), threads=self.threads))

    @property
    def glasses(self) -> GlassesHead:
        return self._once("glasses", lambda: GlassesHead(self.read(GLASSES), threads=self.threads))

    @property
    def mask(self) -> MaskHead:
        return self._once("mask", lambda: MaskHead(self.read(MASK), threads=self.threads))

    @property
    def eyes(self) -> EyesHead:
        glasses = self.glasses if self.improves(Attribute.GLASSES, GLASSES) else None
        return self._once(
            ("eyes", glasses), lambda: EyesHead(self.read(IRIS), threads=self.threads, glasses=glasses)
        )

    @property
    def pose(self) -> PoseHead:
        return self._once("pose", lambda: PoseHead(*map(self.read, HEAD_POSE), threads=self.threads))

    def _once(self, key: Hashable, open_head: Callable[[], AnyHead]) -> AnyHead:
        if key not in self._opened:
            self._opened[key] = open_head()
        opened: AnyHead = self._opened[key]
        return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKind:
    weights: tuple[WeightFile, ...]
    open: Callable[[HeadSources], Head]
    """Raises WeightsMissing, WeightsDamaged."""
    better_with: tuple[Attribute, ...] = ()
    """Attributes whose networks improve this one where they are permitted and on this machine. `open` opens
    no other ones."""
    trained: TrainedHead | None = None
    """A head of the operator's own, on the features of a published network."""


def with_trained_expression(trained: TrainedHead) -> Mapping[Attribute, HeadKind]:
    """`HEADS`, with `trained` in place of the last layer of the published network of expressions."""
    kind = HeadKind(
        weights=(EXPRESSION,),
        open=lambda sources: ExpressionHead(
            sources.read(EXPRESSION), threads=sources.threads, trained=trained
        ),
        trained=trained,
    )
    return {**HEADS, Attribute.EXPRESSION: kind}


HEADS: Mapping[Attribute, HeadKind] = {
    Attribute.EXPRESSION: HeadKind(
        weights=(EXPRESSION,),
        open=lambda sources: ExpressionHead(sources.read(EXPRESSION), threads=sources.threads),
    ),
    Attribute.LIVENESS: HeadKind(
        weights=LIVENESS,
        open=lambda sources: LivenessHead(*map(sources.read, LIVENESS), threads=sources.threads),
    ),
    Attribute.MASK: HeadKind(weights=(MASK,), open=lambda sources: sources.mask),
    Attribute.GLASSES: HeadKind(weights=(GLASSES,), open=lambda sources: sources.glasses),
    Attribute.EYES: HeadKind(
        weights=(IRIS,), open=lambda sources: sources.eyes, better_with=(Attribute.GLASSES,)
    ),
    Attribute.OCCLUSION: HeadKind(
        weights=(MASK, GLASSES),
        open=lambda sources: OcclusionHead(sources.mask, sources.glasses),
    ),
    Attribute.POSE: HeadKind(weights=HEAD_POSE, open=lambda sources: sources.pose),
    Attribute.QUALITY: HeadKind(
        weights=(),
        open=lambda sources: QualityHead(
            sources.pose if sources.improves(Attribute.POSE, *HEAD_POSE) else None,
            sources.mask if sources.improves(Attribute.MASK, MASK) else None,
            sources.glasses if sources.improves(Attribute.GLASSES, GLASSES) else None,
            sources.eyes if sources.improves(Attribute.EYES, IRIS) else None,
        ),
        better_with=(Attribute.POSE, Attribute.MASK, Attribute.GLASSES, Attribute.EYES),
    ),
    Attribute.AGE: HeadKind(weights=(AGE,), open=lambda sources: sources.age),
    Attribute.GENDER: HeadKind(
        weights=(GENDER, AGE),
        open=lambda sources: GenderHead(sources.read(GENDER), sources.age, threads=sources.threads),
    ),
}
