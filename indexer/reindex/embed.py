"""Embeds stored crops with another model, in as many threads as there are cores.

A thread decodes, aligns and embeds one batch after another, on its core alone. So no core waits, neither for
the decoding of the next faces nor for the slowest thread of a batch.
"""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TypeAlias

from indexer.pipeline.embed_crops import BATCH, Embedded, embed_batch
from indexer.pipeline.pipeline import Pipeline
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job, StoredCrop
from indexer.records.tables import ReindexChunk
from indexer.replica.threads.interruptible import InterruptiblePool

Threads: TypeAlias = Executor | InterruptiblePool
"""What runs the batches."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedChunk:
    """A claimed chunk whose faces are being embedded."""

    chunk: ReindexChunk
    job: Job
    batches: "list[Future[Embedded]]"


def load_chunk(
    database: Database,
    threads: Threads,
    chunk: ReindexChunk,
    job: Job,
    pipeline: Pipeline,
) -> LoadedChunk:
    """Reads the crops of those of its faces that have no embedding yet, and queues them for `threads`."""
    with database.reading() as session:
        crops = reindexes.crops_of_chunk(session, job.row, chunk)
    return LoadedChunk(chunk=chunk, job=job, batches=_submit(threads, crops, pipeline))


def embed_chunk(loaded: LoadedChunk) -> Embedded:
    """Waits until all its faces are embedded. Raises what the network raises."""
    return _gather(loaded.batches)


def embed_crops(threads: Threads, crops: Sequence[StoredCrop], pipeline: Pipeline) -> Embedded:
    """Raises what the network raises."""
    return _gather(_submit(threads, crops, pipeline))


def _submit(threads: Threads, crops: Sequence[StoredCrop], pipeline: Pipeline) -> "list[Future[Embedded]]":
    return [
        threads.submit(embed_batch, crops[start : start + BATCH], pipeline)
        for start in range(0, len(crops), BATCH)
    ]


def _gather(batches: "Sequence[Future[Embedded]]") -> Embedded:
    every = Embedded()
    for batch in batches:
        embedded = batch.result()
        every.vectors.update(embedded.vectors)
        every.problems.update(embedded.problems)
    return every
