"""One copy of one shard: the same gallery index as in a serving process, over a part of the gallery.

Ray runs it as an actor, in a process of its own. It reads its part from PostgreSQL or from a snapshot on its
node's disk, follows the change log, and reports itself to PostgreSQL, all by itself. A search sends it the
gallery's row and the probes, and gets the answer or an error. Imports no Ray.
"""

import logging
import logging.config
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from indexer import logs
from indexer.cluster.search.answers import ShardAnswer, ShardState, faces_as_people, no_people
from indexer.cluster.search.requests import PartSelection, ShardRequest
from indexer.cluster.shards.verification import ShardProgress, Verification, live
from indexer.embedding.card import ModelCard
from indexer.errors import GalleryNotFound
from indexer.index.live import LiveIndex
from indexer.index.selections.selection import KEPT, Selection
from indexer.records import galleries
from indexer.records.database.session import REQUEST_TIMEOUTS, Database
from indexer.records.embedded import database_url
from indexer.records.notifications import Listener
from indexer.replica.builds import IndexBuilds
from indexer.replica.cache import IndexCache
from indexer.replica.cached_index import CachedIndex
from indexer.replica.heartbeat import Heartbeat
from indexer.replica.store import IndexStore
from indexer.replica.sync import POLL_SECONDS
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.types import IndexedGallery, Part

log = logging.getLogger(__name__)

SEARCHES = 8
"""That a copy works on at once; the others wait. A search computes with all cores of its node."""
CONTROLS = 4
"""Other calls that it works on at once, so that these never wait for searches."""
_CONNECTIONS = SEARCHES + CONTROLS + Heartbeat.THREADS + IndexBuilds.THREADS + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    database: Database
    cache: IndexCache
    index: CachedIndex
    verification: Verification
    heartbeat: Heartbeat
    listener: Listener


class Shard:
    """Safe to call from several threads. Settings come from the environment of its node.

    The constructor does nothing that can fail, for Ray starts an actor whose constructor failed never again.
    """

    def __init__(self, gallery_id: UUID, card: ModelCard, part: Part, set_id: UUID) -> None:
        """`set_id`: of its shard set."""
        self._gallery_id = gallery_id
        self._card = card
        self._part = part
        self._set_id = set_id
        self._lock = threading.Lock()
        self._opened: _Open | None = None
        self._selections: OrderedDict[bytes, Selection] = OrderedDict()
        """By checksum. The index knows the rows of a selection by its identity."""
        self._sync = Supervised("shard", self._follow_the_log)
        self._sync.start()

    def ping(self) -> int:
        """Answers whenever the process lives: its id."""
        return os.getpid()

    def answer(self, request: ShardRequest) -> ShardAnswer:
        """Raises IndexNotReady, GalleryNotFound, EmbeddingsMissing, DatabaseUnavailable, Busy."""
        index = self._caught_up(request.gallery, time.monotonic() + request.seconds)
        if request.probes is None:
            return ShardAnswer(state=_state(index))
        selection = None
        if request.selection is not None:
            selection = self._known(request.selection)
            if selection is None:
                return ShardAnswer(state=_state(index), lacks_selection=True)
        with index.unchanged() as searcher:
            if len(request.probes) == 0:  # only the faces of the selection are counted
                people = no_people()
            elif request.people:
                people = searcher.search_identities(request.probes, request.k, selection)
            else:
                people = faces_as_people(*searcher.search(request.probes, request.k))
            selected = 0 if selection is None else searcher.count_faces(selection)
            return ShardAnswer(state=_state(index), people=people, selected_faces=selected)

    def prove(self) -> ShardProgress:
        """Begins to compare its index with PostgreSQL, once it is open; nobody waits for it."""
        return self._open().verification.progress()

    def rebuild(self) -> None:
        """Begins to build its index again from PostgreSQL, beside the one that serves."""
        self._open().index.build()

    def discard(self) -> None:
        """Removes its snapshots from the node's disk: the set of shards is removed."""
        self._open().index.retire()

    def close(self) -> None:
        """Signs off its process, so that it is not reported as missing. It answers nothing after this."""
        opened = self._opened
        self._sync.close(opened.listener.wake if opened is not None else lambda: None)
        if opened is not None:
            opened.heartbeat.close()
            opened.cache.close()
            opened.listener.close()

    def _follow_the_log(self) -> None:
        opened = self._open()
        if not opened.index.is_open:
            opened.index.prepare()
        changed = opened.listener.wait(POLL_SECONDS)
        if not self._sync.closing:
            opened.cache.sync(changed)

    def _caught_up(self, gallery: IndexedGallery, deadline: float) -> LiveIndex:
        return live(self._open().index.caught_up(gallery, deadline))

    def _known(self, requested: PartSelection) -> Selection | None:
        with self._lock:
            selection = self._selections.get(requested.checksum)
            if selection is None and requested.people is not None:
                selection = self._selections[requested.checksum] = requested.selection()
            if selection is not None:
                self._selections.move_to_end(requested.checksum)
            while len(self._selections) > KEPT:
                self._selections.popitem(last=False)
            return selection

    def _open(self) -> _Open:
        """Raises Misconfigured, DatabaseUnavailable, GalleryNotFound; the next call tries again."""
        with self._lock:
            if self._opened is None:
                self._opened = self._opened_now()
            return self._opened

    def _opened_now(self) -> _Open:
        settings = Settings()
        logging.config.dictConfig(logs.config(settings.log_level, settings.log_format))
        database = Database(database_url(settings), pool_size=_CONNECTIONS, timeouts=REQUEST_TIMEOUTS)
        try:
            with database.reading() as session:
                gallery = galleries.by_ids(session, [self._gallery_id]).get(self._gallery_id)
            if gallery is None:
                raise GalleryNotFound("the gallery was deleted meanwhile")
            store = IndexStore.of(settings, database, self._card).of_part(self._part)
            cache = IndexCache(
                database,
                store,
                patience_seconds=settings.index_patience_s,
                memory_bytes=settings.index_memory_bytes,
            )
        except BaseException:
            database.close()
            raise
        log.info("shard %s of gallery %s is opened", self._part.name, gallery.name)
        index = cache.of(gallery, self._card)
        return _Open(
            database=database,
            cache=cache,
            index=index,
            verification=Verification(database, index, gallery.id, self._part),
            heartbeat=Heartbeat(database, cache, shard_set_id=self._set_id),
            listener=Listener(database),
        )


def _state(index: LiveIndex) -> ShardState:
    state = index.state()
    return ShardState(
        position=state.position,
        removed_at=state.removed_at,
        faces=state.faces,
        count=state.count,
        memory_bytes=state.memory_bytes,
        digest=state.digest,
        tier=state.tier,
    )
