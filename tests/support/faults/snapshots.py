"""Snapshots of small indexes: built, written, and written by a process that is killed."""

import sys
import uuid
from functools import cache
from pathlib import Path

import numpy as np

from indexer.index.build import BuildResult, RecallRequirement, build
from indexer.index.manifest import Manifest
from indexer.index.snapshots import SnapshotStore
from indexer.types import LogPosition, Tier
from tests.support.faults import full_disk
from tests.support.faults.death import die_at

GALLERY = uuid.UUID(int=7)


@cache
def built(count: int = 2_000, tier: Tier = Tier.COMPACT) -> BuildResult:
    vectors = np.random.default_rng(count).standard_normal((count, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    requirement = RecallRequirement(genuine_cosines=[0.5, 0.9], threshold=0.5, min_recall=0.5)
    keys = np.arange(count, dtype=np.int64)
    return build(tier, 32, lambda take: take(keys, vectors, keys % 7), requirement)


def write(
    snapshots: SnapshotStore, made: BuildResult, *, applied: int = 5, gallery: uuid.UUID = GALLERY
) -> str:
    manifest = Manifest.of(
        made,
        gallery=gallery,
        model="model-1",
        target=Tier.COMPACT,
        position=LogPosition(number=applied, token=uuid.UUID(int=applied)),
        rebuild_number=0,
    )
    with snapshots.locked():
        return snapshots.write(made, manifest)


def write_and_die(step: str, folder: Path) -> None:
    die_at(step)
    write(SnapshotStore(folder, GALLERY, "model-1"), built(1_500), applied=50)


def write_on_a_full_disk(folder: Path) -> None:
    """Ends the process with the number of the error."""
    made = built(1_500)
    full_disk.fill(20_000)
    try:
        write(SnapshotStore(folder, GALLERY, "model-1"), made)
    except OSError as error:
        sys.exit(error.errno)
