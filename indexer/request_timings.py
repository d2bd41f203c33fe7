"""Where the time of a request goes: its stages, and what it waits for in each.

The answers' `timings_ms`, the metric `gemel_stage_seconds` and the documents use this table. Comments name
the code that waits. The time before it, for the upload and a free thread, is only in `gemel_request_seconds`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Stage(StrEnum):
    """A stage of a request, and what it waits for."""

    waits_for: str

    def __new__(cls, name: str, waits_for: str) -> "Stage":
        stage = str.__new__(cls, name)
        stage._value_ = name
        stage.waits_for = waits_for
        return stage

    # concurrency.ConcurrencyLimit, held by pipeline.pipeline and attributes.reader
    WAIT = "wait", "a slot for decoding, detection or attributes: other requests have them"
    # vision.decoding.decoder
    DECODE = "decode", "the decoder"
    DETECT = "detect", "the face detector"
    ALIGN = "align", "the refinement of landmarks, the alignment and the quality measures"
    # attributes.reader
    ATTRIBUTES = "attributes", "the heads of the attributes in the request"
    # embedding.batching: a queue before the network
    EMBED = "embed", "the network, which takes the faces of several requests in one batch"
    # usecases.explain_pair
    EXPLAIN = "explain", "the network, which embeds the faces of a pair with parts of them covered"
    # replica.gallery_index: opening, catching up; replica.builds: queued openings
    INDEX = "index", "the index of the gallery, which is opened or catches up with PostgreSQL"
    # index.live: a change that is applied just then; index.gpu.batching: a queue before a GPU
    SEARCH = "search", "FAISS"
    # visitors.memory: the gallery's lock, another search, a commit
    REMEMBER = "remember", "the memory of unknown visitors, where the gallery has one"
    # audit: the writer, which commits the searches of several requests at once
    AUDIT = "audit", "the audit record, which commits the answer before it leaves"
    # usecases.identify: also until `min_change_number` has arrived
    DATABASE = "database", "PostgreSQL"


class Stopwatch:
    """Milliseconds of each stage; the times of a stage that comes again add up."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1e3
            self.milliseconds[stage.value] = self.milliseconds.get(stage.value, 0.0) + spent

    @property
    def total(self) -> float:
        """Milliseconds since the stopwatch was made."""
        return (time.perf_counter() - self._start) * 1e3

    def timings_ms(self) -> dict[str, float]:
        """Of each stage so far, and `total`."""
        return self.milliseconds | {"total": self.total}


def description() -> str:
    """Of `timings_ms`, for the API's documentation."""
    stages = "; ".join(f"`{stage}`: {stage.waits_for}" for stage in Stage)
    return f"Milliseconds that the request spent on, or waited for, each stage. {stages}. `total`: all"
