"""Which head gives which attribute. To add one: a file beside this one, its weights in
`weights.published`, and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

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


class HeadSources:
    """The weights of the heads, and the heads that others use too, each opened once. Its caller holds a lock
    while it opens one."""

    def __init__(self, store: WeightStore, threads: int) -> None:
        self.threads = threads
        """How many faces a head takes in at once."""
        self._store = store

    def read(self, file: WeightFile) -> bytes:
        """Raises WeightsMissing, WeightsDamaged."""
        return read_verified(file, self._store)

    def are_present(self, files: tuple[WeightFile, ...]) -> bool:
        return all(is_present(file, self._store) for file in files)

    @cached_property
    def age(self) -> AgeHead:
        return AgeHead(self.read(AGE), threads=self.threads)

    @cached_property
    def glasses(self) -> GlassesHead:
        return GlassesHead(self.read(GLASSES), threads=self.threads)

    @cached_property
    def mask(self) -> MaskHead:
        return MaskHead(self.read(MASK), threads=self.threads)

    @cached_property
    def eyes(self) -> EyesHead:
        glasses = self.glasses if self.are_present((GLASSES,)) else None
        return EyesHead(self.read(IRIS), threads=self.threads, glasses=glasses)

    @cached_property
    def pose(self) -> PoseHead:
        return PoseHead(*map(self.read, HEAD_POSE), threads=self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKind:
    weights: tuple[WeightFile, ...]
    open: Callable[[HeadSources], Head]
    """Raises WeightsMissing, WeightsDamaged."""
    made_of: tuple[Attribute, ...] = ()
    """Attributes from whose estimates this one is made. They must be permitted too."""
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
    Attribute.EYES: HeadKind(weights=(IRIS,), open=lambda sources: sources.eyes),
    Attribute.OCCLUSION: HeadKind(
        weights=(MASK, GLASSES),
        open=lambda sources: OcclusionHead(sources.mask, sources.glasses),
        made_of=(Attribute.MASK, Attribute.GLASSES),
    ),
    Attribute.POSE: HeadKind(weights=HEAD_POSE, open=lambda sources: sources.pose),
    Attribute.QUALITY: HeadKind(
        weights=(),  # better with networks whose weights are on this machine
        open=lambda sources: QualityHead(
            sources.pose if sources.are_present(HEAD_POSE) else None,
            sources.mask if sources.are_present((MASK,)) else None,
            sources.glasses if sources.are_present((GLASSES,)) else None,
            sources.eyes if sources.are_present((IRIS,)) else None,
        ),
    ),
    Attribute.AGE: HeadKind(weights=(AGE,), open=lambda sources: sources.age),
    Attribute.GENDER: HeadKind(
        weights=(GENDER, AGE),
        open=lambda sources: GenderHead(sources.read(GENDER), sources.age, threads=sources.threads),
        made_of=(Attribute.AGE,),
    ),
}
