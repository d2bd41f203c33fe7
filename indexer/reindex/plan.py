"""What a re-index would take, before anything is begun."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer import memory
from indexer.errors import InvalidInput, NotEnoughRoom
from indexer.pipeline.crops import aligned
from indexer.pipeline.pipeline import Pipeline
from indexer.records import reindexes
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore
from indexer.settings import Settings

SAMPLE = 64
"""Stored crops that are embedded to see how fast it goes."""
_ROW_BYTES = 100
"""That PostgreSQL needs for an embedding besides its numbers, with its index, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    gallery: str
    from_model: str
    to_model: str
    faces: int
    without_crop: int
    """Faces that cannot be carried over."""
    sampled: int
    faces_per_second: float | None
    """Of one worker like this process; None where there was nothing to try it on."""
    seconds: float | None
    database_bytes: int
    disk_bytes: int
    """Of the new index, and the database where it lies on the same disk."""
    disk_free_bytes: int
    index_bytes: int
    """Memory for both indexes, which every process that serves holds until the cleanup."""
    index_limit_bytes: int
    new_index_bytes: int
    """Of `index_bytes`, those of the new index: the old one is there already."""
    memory_free_bytes: int
    """That this machine, and the control group of this process, still have."""
    last_key: int


def make(settings: Settings, index_store: IndexStore, gallery: Gallery, pipeline: Pipeline) -> Plan:
    """`index_store`: any; `pipeline`: of the new model. Changes nothing. Raises ModelUnavailable."""
    with index_store.database.reading() as session:
        lacking = reindexes.count_without_crop(session, gallery.id)
        crops = reindexes.sample_crops(session, gallery.id, SAMPLE)
        last_key = reindexes.last_key(session, gallery.id)
    rate, sampled = _rate(crops, pipeline)
    faces = gallery.face_count
    database = faces * (pipeline.card.dimension * 4 + _ROW_BYTES)
    new, old = index_store.of_model(pipeline.card), index_store.of_gallery(gallery)
    index = int(faces * new.bytes_per_face(gallery))
    home = settings.home.expanduser()
    return Plan(
        gallery=gallery.name,
        from_model=old.card.fingerprint,
        to_model=pipeline.card.fingerprint,
        faces=faces,
        without_crop=lacking,
        sampled=sampled,
        faces_per_second=rate,
        seconds=faces / rate if rate else None,
        database_bytes=database,
        disk_bytes=index + (database if settings.database_url is None else 0),
        disk_free_bytes=shutil.disk_usage(_existing(home)).free,
        index_bytes=index + int(faces * old.bytes_per_face(gallery)),
        index_limit_bytes=int(settings.index_memory_bytes),
        new_index_bytes=index,
        memory_free_bytes=memory.available_bytes(),
        last_key=last_key,
    )


def check_room(plans: Sequence[Plan]) -> None:
    """For all of them at once. Raises NotEnoughRoom."""
    for what, wanted, there in _too_much(plans):
        raise NotEnoughRoom(_shortage(what, wanted, there), measured=there, limit=wanted)


def lacking_room(plans: Sequence[Plan]) -> list[str]:
    """What there is too little of for all of them at once, in words."""
    return [_shortage(*found) for found in _too_much(plans)]


def _too_much(plans: Sequence[Plan]) -> list[tuple[str, int, int]]:
    """What is wanted more of than there is: its name, bytes wanted, bytes there."""
    if not plans:
        return []
    disk, index = sum(plan.disk_bytes for plan in plans), sum(plan.index_bytes for plan in plans)
    new = sum(plan.new_index_bytes for plan in plans)
    found = (
        ("disk", disk, min(plan.disk_free_bytes for plan in plans)),
        ("index memory (GEMEL_INDEX_MEMORY_MB)", index, plans[0].index_limit_bytes),
        ("memory", new, min(plan.memory_free_bytes for plan in plans)),
    )
    return [(what, wanted, there) for what, wanted, there in found if wanted > there]


def _shortage(what: str, wanted: int, there: int) -> str:
    return f"{what}: {wanted / 1e6:.1f} MB are wanted, {there / 1e6:.1f} MB are there"


def _rate(crops: list[reindexes.StoredCrop], pipeline: Pipeline) -> tuple[float | None, int]:
    def tried() -> int:
        faces = []
        for crop in crops:
            try:
                faces.append(aligned(crop, pipeline.template))
            except InvalidInput:
                continue
        if faces:
            pipeline.embedder.embed(np.stack(faces))
        return len(faces)

    tried()  # the first run of a network is slower than the rest
    start = time.perf_counter()
    count = tried()
    return (count / (time.perf_counter() - start) if count else None), count


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
