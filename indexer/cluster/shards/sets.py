"""Which galleries are to have shards, and the rows of their sets: the part of it that needs no Ray.

building    its actors build their parts beside the index that serves; each copy verifies itself
active      it serves: one row, one transaction
retired     it serves no more; after a while its actors are stopped, and the row is deleted
"""

import logging
from uuid import UUID

from indexer.records import reindexes, shard_sets
from indexer.records.database.session import Database
from indexer.records.enrolled.parts.people import count_people
from indexer.records.tables import Gallery, ShardSet
from indexer.types import block_of_people
from indexer.types.part import BLOCKS_OF_A_SHARD, MAX_BLOCK

log = logging.getLogger(__name__)


def begin(database: Database, gallery: Gallery, model: str, *, shards: int, copies: int) -> ShardSet:
    """The set that is being built for the gallery and model: a new one, or the one that another process has
    begun. The serving processes on the Ray cluster build it. `model`: fingerprint.

    Raises GalleryNotFound, Busy.
    """
    with database.transaction() as session:
        people = count_people(session, gallery.id, most=shards * BLOCKS_OF_A_SHARD * MAX_BLOCK)
        return shard_sets.begin(
            session,
            gallery.id,
            model,
            shards=shards,
            copies=copies,
            block=block_of_people(people, shards),
        )


class Plan:
    """What the sets in PostgreSQL are, and what is missing or left over."""

    def __init__(self, database: Database, shard_faces: int) -> None:
        """One reading of the tables. `shard_faces`: from so many on a gallery gets shards."""
        self._least = shard_faces
        with database.reading() as session:
            every = shard_sets.candidates(session, shard_faces)
            self.sets = list(shard_sets.list_all(session))
            ids = {gallery.id for gallery in every if self.is_sharded(gallery)}
            models = reindexes.models_searched(session, ids)
        self.galleries: dict[UUID, Gallery] = {gallery.id: gallery for gallery in every}
        self.targets: dict[tuple[UUID, str], int] = {
            (gallery_id, model): number
            for gallery_id, of_gallery in models.items()
            for model, number in of_gallery.items()
        }
        """Galleries and models that are to have shards, with the model's number in the database."""

    def is_sharded(self, gallery: Gallery) -> bool:
        """A gallery that shrinks keeps its shards down to half of the size where it got them."""
        has_set = any(one.gallery_id == gallery.id and one.state != "retired" for one in self.sets)
        return gallery.face_count >= (self._least / 2 if has_set else self._least)

    def missing(self) -> list[tuple[Gallery, str]]:
        """Galleries and models that have no set yet, neither active nor in the making."""
        present = {(one.gallery_id, one.model) for one in self.sets if one.state != "retired"}
        return [(self.galleries[gallery_id], model) for gallery_id, model in self.targets.keys() - present]

    def left_over(self) -> list[ShardSet]:
        """Sets of galleries that have become small, or have left the model."""
        return [one for one in self.sets if one.state != "retired" and not self.has_target(one)]

    def has_target(self, shard_set: ShardSet) -> bool:
        return (shard_set.gallery_id, shard_set.model) in self.targets

    def shares_files(self, shard_set: ShardSet) -> bool:
        """Whether another set has the same parts, and so may use the same snapshots."""
        return any(
            other.id != shard_set.id
            and (other.gallery_id, other.model) == (shard_set.gallery_id, shard_set.model)
            and (other.shards, other.block) == (shard_set.shards, shard_set.block)
            for other in self.sets
        )
