"""Estimates the time and room that a re-index takes, before it starts."""

import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from indexer import memory
from indexer.cluster.shards import progress
from indexer.errors import NotEnoughRoom
from indexer.pipeline.pipeline import Pipeline
from indexer.records import reindexes, shard_sets
from indexer.records.database.session import Session
from indexer.records.enrolled import person_templates
from indexer.records.tables import Gallery
from indexer.reindex.embed import embed_crops
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import Part

SAMPLE = 64
"""Stored crops that are embedded to measure the speed."""
_ROW_BYTES = 100
"""About what PostgreSQL needs for a row of an embedding besides its vector, with the row's index entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    gallery: str
    from_model: str
    to_model: str
    faces: int
    without_crop: int
    """Faces without a stored crop: they cannot be embedded again."""
    sampled: int
    """Crops that the speed was measured on."""
    faces_per_second: float | None
    """By one worker on this machine; None if there is no stored crop to measure it on."""
    seconds: float | None
    database_bytes: int
    disk_bytes: int
    """Of the new index, and of the database if it is the embedded one."""
    disk_free_bytes: int
    index_bytes: int
    """Memory for both indexes, which every serving process holds until the cleanup."""
    index_limit_bytes: int
    new_index_bytes: int
    """The part of `index_bytes` that is not in memory yet."""
    memory_free_bytes: int
    """Available on this machine, and within the control group of this process."""
    last_key: int
    """The highest face key in the gallery."""
    shards: int = 1
    """Where the gallery is held in shards, their number: sizes of indexes are those of a copy of a shard."""


def make(settings: Settings, index_store: IndexStore, gallery: Gallery, pipeline: Pipeline) -> Plan:
    """`index_store`: for any model; `pipeline`: of the new one. Changes nothing. Raises ModelUnavailable."""
    with index_store.database.reading() as session:
        without_crop = reindexes.count_without_crop(session, gallery.id)
        crops = reindexes.sample_crops(session, gallery.id, SAMPLE)
        last_key = reindexes.last_key(session, gallery.id)
        rows = gallery.face_count + person_templates.count(session, gallery.id)
        shards = _shards(session, settings, gallery)
    rate, sampled = _measure_speed(crops, pipeline)
    faces = gallery.face_count
    database = faces * (pipeline.card.dimension * 4 + _ROW_BYTES)
    new, old = index_store.of_model(pipeline.card), index_store.of_gallery(gallery)
    if shards > 1:
        part = Part(shard=0, shards=shards, block=1)
        new, old, rows = new.of_part(part), old.of_part(part), part.share(rows)
    index = int(rows * new.tiers.bytes_per_face(gallery))
    home = settings.home.expanduser()
    return Plan(
        gallery=gallery.name,
        from_model=old.card.fingerprint,
        to_model=pipeline.card.fingerprint,
        faces=faces,
        without_crop=without_crop,
        sampled=sampled,
        faces_per_second=rate,
        seconds=faces / rate if rate else None,
        database_bytes=database,
        disk_bytes=index + (database if settings.database_url is None else 0),
        disk_free_bytes=shutil.disk_usage(_existing(home)).free,
        index_bytes=index + int(rows * old.tiers.bytes_per_face(gallery)),
        index_limit_bytes=int(settings.index_memory_bytes),
        new_index_bytes=index,
        memory_free_bytes=memory.available_bytes(),
        last_key=last_key,
        shards=shards,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """Something that the plans need more of than there is."""

    resource: str
    needed_bytes: int
    available_bytes: int

    def __str__(self) -> str:
        needed, available = self.needed_bytes / 1e6, self.available_bytes / 1e6
        return f"{self.resource}: needs {needed:.1f} MB, has {available:.1f} MB"


def check_room(plans: Sequence[Plan]) -> None:
    """For all the plans together. Raises NotEnoughRoom."""
    for shortage in shortages(plans):
        raise NotEnoughRoom(str(shortage), measured=shortage.available_bytes, limit=shortage.needed_bytes)


def shortages(plans: Sequence[Plan]) -> list[Shortage]:
    """For all the plans together."""
    if not plans:
        return []
    disk, index = sum(plan.disk_bytes for plan in plans), sum(plan.index_bytes for plan in plans)
    new = sum(plan.new_index_bytes for plan in plans)
    every = (
        ("disk", disk, min(plan.disk_free_bytes for plan in plans)),
        ("index memory (GEMEL_INDEX_MEMORY_MB)", index, plans[0].index_limit_bytes),
        ("memory", new, min(plan.memory_free_bytes for plan in plans)),
    )
    return [
        Shortage(resource=resource, needed_bytes=needed, available_bytes=available)
        for resource, needed, available in every
        if needed > available
    ]


def _shards(session: Session, settings: Settings, gallery: Gallery) -> int:
    """How many shards the present model has; before it has any, GEMEL_SHARDS. 1 for a whole index."""
    if not progress.is_held(session, gallery, settings.least_sharded_faces):
        return 1
    in_use = shard_sets.in_use(session, [gallery.id])
    return in_use[0].shards if in_use else max(1, settings.shards)


def _measure_speed(crops: list[reindexes.StoredCrop], pipeline: Pipeline) -> tuple[float | None, int]:
    """Faces per second, and on how many faces it was measured."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        embed_crops(threads, crops, pipeline)  # the first run of a network is slower than the rest
        start = time.perf_counter()
        count = len(embed_crops(threads, crops, pipeline).vectors)
        seconds = time.perf_counter() - start
    return (count / seconds if count else None), count


def _existing(path: Path) -> Path:
    """The path, or its nearest parent that exists."""
    while not path.exists():
        path = path.parent
    return path
