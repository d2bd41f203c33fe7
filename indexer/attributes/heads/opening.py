"""Which head gives which attribute. To add one: a file beside this one, its weights in
`weights.published`, and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from indexer.attributes.head import Head
from indexer.attributes.heads.age_gender import AgeHead, GenderHead
from indexer.attributes.heads.expression import ExpressionHead
from indexer.attributes.heads.liveness.head import LivenessHead
from indexer.attributes.heads.pose import PoseHead
from indexer.attributes.heads.quality import QualityHead
from indexer.types import Attribute
from indexer.weights.file import WeightFile
from indexer.weights.locate import is_present, read_verified
from indexer.weights.published import (
    AGE,
    EXPRESSION,
    GENDER,
    HEAD_POSE_GRAPH,
    HEAD_POSE_WEIGHTS,
    MINIFASNET_CELEBA_SPOOF,
    MINIFASNET_V1SE,
    MINIFASNET_V2,
)
from indexer.weights.store import WeightStore


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKind:
    weights: tuple[WeightFile, ...]
    open: Callable[[WeightStore, int], Head]
    """With the number of threads. Raises WeightsMissing, WeightsDamaged."""


LIVENESS = (MINIFASNET_V2, MINIFASNET_V1SE, MINIFASNET_CELEBA_SPOOF)

HEAD_POSE = (HEAD_POSE_GRAPH, HEAD_POSE_WEIGHTS)


def _open_pose(store: WeightStore, threads: int) -> PoseHead:
    return PoseHead(*(read_verified(file, store) for file in HEAD_POSE), threads=threads)


def _open_quality(store: WeightStore, threads: int) -> QualityHead:
    """Better with the network of the pose, where its weights are on this machine."""
    present = all(is_present(file, store) for file in HEAD_POSE)
    return QualityHead(_open_pose(store, threads) if present else None)


HEADS: Mapping[Attribute, HeadKind] = {
    Attribute.EXPRESSION: HeadKind(
        weights=(EXPRESSION,),
        open=lambda store, threads: ExpressionHead(read_verified(EXPRESSION, store), threads=threads),
    ),
    Attribute.LIVENESS: HeadKind(
        weights=LIVENESS,
        open=lambda store, threads: LivenessHead(
            *(read_verified(file, store) for file in LIVENESS), threads=threads
        ),
    ),
    Attribute.POSE: HeadKind(weights=HEAD_POSE, open=_open_pose),
    Attribute.QUALITY: HeadKind(weights=(), open=_open_quality),
    Attribute.AGE: HeadKind(
        weights=(AGE,),
        open=lambda store, threads: AgeHead(read_verified(AGE, store), threads=threads),
    ),
    Attribute.GENDER: HeadKind(
        weights=(GENDER, AGE),
        open=lambda store, threads: GenderHead(
            read_verified(GENDER, store), read_verified(AGE, store), threads=threads
        ),
    ),
}
