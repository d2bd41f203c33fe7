"""Embeds chunk after chunk: while one is embedded, the next is loaded and the last one recorded.

The faces of the next chunk queue behind those of the present one, so that no thread is idle between chunks.
"""

import logging
import threading
from concurrent.futures import CancelledError, Future

from indexer.errors import GemelError, Misconfigured
from indexer.pipeline.embed_crops import Embedded
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import reindexes
from indexer.reindex import embed
from indexer.reindex.claims import Claims
from indexer.reindex.embed import LoadedChunk, Threads
from indexer.replica.store import IndexStore
from indexer.replica.threads.interruptible import InterruptiblePool

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
"""At one chunk, by any workers, before its job stops."""


class ChunkEmbedder:
    """Used by one thread; loads and records in two others, and embeds in `threads`."""

    def __init__(
        self,
        index_store: IndexStore,
        factory: PipelineFactory,
        claims: Claims,
        threads: Threads,
        stopping: threading.Event,
    ) -> None:
        self._index_store = index_store
        self._database = index_store.database
        self._factory = factory
        self._claims = claims
        self._threads = threads
        self._stopping = stopping
        self._loader = InterruptiblePool(1, "load")
        self._recorder = InterruptiblePool(1, "record")

    @property
    def pools(self) -> tuple[InterruptiblePool, InterruptiblePool]:
        """To be closed by the owner."""
        return self._loader, self._recorder

    def embed_all(self) -> bool:
        """All chunks that can be claimed. Returns whether there were any."""
        try:
            return self._embed_all()
        except Exception:
            self._loader.submit(lambda: None).result()  # afterwards no chunk is being claimed
            raise

    def load(self) -> LoadedChunk | None:
        """Claims and loads the next chunk; None where there is none."""
        while not self._stopping.is_set():
            claimed = self._claims.chunk()
            if claimed is None:
                return None
            chunk, job = claimed
            if chunk.attempts > MAX_ATTEMPTS:
                self._claims.stop(job, f"chunk {chunk.number} has failed {MAX_ATTEMPTS} times")
                continue
            try:
                pipeline = self._factory.pipeline(self._index_store.models.by_number(job.row.to_model_id))
            except Misconfigured as error:
                self._claims.skip(job, error)
                continue
            try:
                return embed.load_chunk(self._database, self._threads, chunk, job, pipeline)
            except GemelError:
                raise
            except Exception as error:
                self._claims.stop(job, f"cannot read chunk {chunk.number}: {error}")
        return None

    def embed(self, loaded: LoadedChunk) -> Embedded | None:
        """Waits for it. None where the network failed, which stops the job."""
        try:
            return embed.embed_chunk(loaded)
        except CancelledError:  # the worker is stopping
            raise
        except Exception as error:  # of torch or OpenVINO
            self._claims.stop(loaded.job, f"cannot embed chunk {loaded.chunk.number}: {error}")
            return None

    def record(self, loaded: LoadedChunk, embedded: Embedded) -> None:
        """Unless the worker has lost the chunk's lease."""
        job, chunk = loaded.job.row, loaded.chunk
        try:
            with self._database.transaction() as session:
                recorded = reindexes.finish_chunk(
                    session,
                    chunk,
                    self._claims.worker,
                    job.to_model_id,
                    embedded.vectors,
                    embedded.problems,
                )
        except GemelError:
            raise
        except Exception as error:
            self._claims.stop(loaded.job, f"cannot record chunk {chunk.number}: {error}")
        else:
            if not recorded:
                log.warning("the lease of chunk %d has expired, another worker has it", chunk.number)

    def _embed_all(self) -> bool:
        any_done = False
        loading = self._loader.submit(self.load)
        recording: Future[None] | None = None
        while (loaded := loading.result()) is not None and not self._stopping.is_set():
            loading = self._loader.submit(self.load)
            any_done = True
            embedded = self.embed(loaded)
            if recording is not None:
                recording.result()
            if embedded is not None:
                recording = self._recorder.submit(self.record, loaded, embedded)
        if recording is not None:
            recording.result()
        return any_done
