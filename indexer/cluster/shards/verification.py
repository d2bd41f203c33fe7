"""Whether a copy of a shard has what PostgreSQL has of its part."""

import logging
import threading
import time
from dataclasses import dataclass
from uuid import UUID

from indexer.errors import GalleryNotFound, GemelError, IndexNotReady
from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.index.searchable_index import SearchableIndex
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import contents
from indexer.records.replicas import StatusReport
from indexer.replica.cached_index import CachedIndex
from indexer.types import Keys, LogPosition, Owners, Part, Vectors

log = logging.getLogger(__name__)

CATCH_UP_SECONDS = 5.0
ATTEMPTS = 100
"""Each takes milliseconds, in which the gallery must not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardVerdict:
    """Both sides are of the same change."""

    position: LogPosition
    faces: int
    digest: str
    database_digest: str

    @property
    def equal(self) -> bool:
        return self.digest == self.database_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardProgress:
    """How far a copy of a new set is."""

    report: StatusReport
    verdict: ShardVerdict | None
    """None until it is verified."""

    @property
    def proven(self) -> bool:
        return self.verdict is not None and self.verdict.equal


class Verification:
    """Of the index of one copy, once in its life. Safe to call from several threads."""

    def __init__(self, database: Database, index: CachedIndex, gallery_id: UUID, part: Part) -> None:
        self._database = database
        self._index = index
        self._gallery_id = gallery_id
        self._part = part
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._verdict: ShardVerdict | None = None

    def progress(self) -> ShardProgress:
        """Begins it once the index is open; waits for nothing. One that failed begins again."""
        with self._lock:
            runs = self._thread is not None and self._thread.is_alive()
            if self._index.is_open and self._verdict is None and not runs:
                self._thread = threading.Thread(target=self._run, name="verify", daemon=True)
                self._thread.start()
        return ShardProgress(report=self._index.report(), verdict=self._verdict)

    def _run(self) -> None:
        """An index that differs is built again, and then compared again."""
        try:
            verdict = self._compare()
            if verdict.equal:
                self._verdict = verdict
                return
            log.error("shard %s differs from PostgreSQL: it is built again", self._part.name)
            self._index.build().result()
        except GemelError as error:
            log.warning("shard %s cannot be verified yet: %s", self._part.name, error)

    def _compare(self) -> ShardVerdict:
        """Reads its part of PostgreSQL. Raises IndexNotReady, GalleryNotFound, EmbeddingsMissing."""
        for _ in range(ATTEMPTS):
            with self._database.repeatable_read() as session:
                gallery = galleries.by_ids(session, [self._gallery_id]).get(self._gallery_id)
                if gallery is None:
                    raise GalleryNotFound("the gallery was deleted meanwhile")
                state = live(self._index.caught_up(gallery, time.monotonic() + CATCH_UP_SECONDS)).state()
                if state.position != gallery.position:
                    continue  # it has later changes already, which this transaction does not see
                truth = Digest()

                def add(keys: Keys, vectors: Vectors, _: Owners, truth: Digest = truth) -> None:
                    truth.add(keys, vectors)

                contents.read_enrolled(session, gallery.id, self._index.card.fingerprint, add, self._part)
            return ShardVerdict(
                position=gallery.position,
                faces=state.faces,
                digest=state.digest,
                database_digest=truth.hex,
            )
        raise IndexNotReady("the gallery changes too fast to be verified; try again")


def live(index: SearchableIndex) -> LiveIndex:
    """An index of this process."""
    assert isinstance(index, LiveIndex)
    return index
