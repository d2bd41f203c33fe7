"""The set of shards that serves a gallery, as a serving process knows it."""

import threading
import time
from collections.abc import Collection
from uuid import UUID

from indexer.cluster.search.answers import ShardAnswer
from indexer.cluster.search.copies import Copies, Counts
from indexer.cluster.search.shard_calls import ShardCalls
from indexer.cluster.search.sharded_index import PartSelections, ShardedIndex
from indexer.index.digest import Digest
from indexer.records.replicas import StatusReport
from indexer.records.tables import ShardSet
from indexer.types import LOG_START, GalleryState, LogPosition


class ActiveSet:
    """Safe to call from several threads."""

    def __init__(self, row: ShardSet, calls: ShardCalls, counts: Counts) -> None:
        self.id: UUID = row.id
        self.gallery_id: UUID = row.gallery_id
        self.copies = Copies(row.shards, row.copies, counts)
        self._calls = calls
        self._selections = PartSelections()
        self._lock = threading.Lock()
        self._confirmed: LogPosition = LOG_START
        """Every shard has it."""
        self._answers: Collection[ShardAnswer] = ()
        """The last ones of all shards."""

    def index(self, gallery: GalleryState, patience_seconds: float, deadline: float) -> ShardedIndex:
        """With every change up to the gallery's row at `deadline`. `patience_seconds`: for each later call.

        The shards are called only where they have not confirmed such a change before: a search sends the row
        to them anyway. Raises IndexNotReady, EmbeddingsMissing, GalleryNotFound.
        """
        index = ShardedIndex(
            self._calls,
            self.copies,
            self._selections,
            gallery,
            lambda: time.monotonic() + patience_seconds,
            self._see,
        )
        confirmed = self._confirmed
        if confirmed.number < gallery.position.number or (
            confirmed.number == gallery.position.number and confirmed != gallery.position
        ):
            index.catch_up(deadline)
        return index

    def sync(self, gallery: GalleryState, deadline: float) -> None:
        """As `index`, so that the report is true: also where the database was restored to an earlier change,
        which the shards then have instead of the confirmed one."""
        self.index(gallery, 0.0, deadline)
        if self._confirmed.number > gallery.position.number:
            with self._lock:
                self._confirmed, self._answers = LOG_START, ()
            self.index(gallery, 0.0, deadline)

    def report(self, model: str, problem: str | None) -> StatusReport:
        """Of this process: whether it can search the set, and up to which change."""
        confirmed, answers = self._confirmed, self._answers
        tiers = {answer.state.tier for answer in answers}
        return StatusReport(
            gallery_id=self.gallery_id,
            state="failed" if problem is not None else "ready" if answers else "opening",
            problem=problem,
            model=model,
            tier=min(tiers) if tiers else None,
            applied=confirmed.number,
            token=None if confirmed == LOG_START else confirmed.token,
            count=sum(answer.state.faces for answer in answers),
            digest=_joined(answers),
        )

    def _see(self, answers: Collection[ShardAnswer]) -> None:
        least = min((answer.state.position for answer in answers), key=lambda position: position.number)
        with self._lock:
            if least.number >= self._confirmed.number:
                self._confirmed, self._answers = least, tuple(answers)


def _joined(answers: Collection[ShardAnswer]) -> str | None:
    """Of all shards together; None where they are not at the same change."""
    positions = {answer.state.position for answer in answers}
    if len(positions) != 1:
        return None
    whole = Digest()
    for answer in answers:
        whole.join(Digest.from_hex(answer.state.digest))
    return whole.hex
