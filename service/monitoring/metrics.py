"""Metrics for Prometheus. Each application has its own registry, so that two in one process do not mix.

With several workers, any of them exposes the metrics of all: `prometheus_client` keeps them in files in
PROMETHEUS_MULTIPROC_DIR. Counters and histograms are summed; gauges are exposed per process.
"""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Unavailable
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.replica.cache import IndexCache
from service.monitoring.fpir_checks import FpirChecks
from service.monitoring.gallery_jobs import JobSeconds, OpenJobs
from service.monitoring.gpu_memory import GpuMemory
from service.monitoring.import_queue import ImportQueue
from service.monitoring.index_lag import IndexLag
from service.monitoring.outcomes import Outcomes
from service.monitoring.shards import ShardMetrics

if TYPE_CHECKING:  # it imports Ray
    from indexer.cluster.sharding import Sharding

log = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""Values of the label `method`; a client may invent any other, which is counted as `other`."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    def __init__(
        self, index_cache: IndexCache, database: Database, sharding: "Sharding | None" = None
    ) -> None:
        self._index_cache = index_cache
        self._database = database
        self._of_any_process = CollectorRegistry()
        """What each worker would expose alike: of the database, and of GPUs."""
        self._of_any_process.register(ReindexJobs(database))
        self._of_any_process.register(IndexLag(database))
        self._of_any_process.register(FpirChecks(database))
        self._of_any_process.register(ImportQueue(database))
        self._of_any_process.register(OpenJobs(database))
        self._of_any_process.register(GpuMemory())
        self._shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self.registry = CollectorRegistry()
        self.outcomes = Outcomes(self.registry)
        self.job_seconds = JobSeconds(self.registry)
        self.requests = Counter(
            "gemel_requests", "HTTP requests", ["method", "route", "status"], registry=self.registry
        )
        self.rate_limited = Counter(
            "gemel_rate_limited_requests",
            "Requests rejected because their key reached a limit",
            ["limit"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "gemel_request_seconds",
            "Time from a request's headers to the end of its answer",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "gemel_stage_seconds",
            "Time of one stage of recognising a face",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._galleries = self._gauge("gemel_index_galleries", "Galleries with an index in memory")
        self._faces = self._gauge("gemel_index_faces", "Faces in those indexes")

        self._memory = self._gauge("gemel_process_resident_memory_bytes", "Memory of the process, resident")
        self._connections = self._gauge(
            "gemel_database_connections_in_use", "Connections to PostgreSQL that requests hold now"
        )
        self._most_connections = self._gauge(
            "gemel_database_connections_max", "Connections to PostgreSQL that the process may have"
        )

        self._shards = None if sharding is None else ShardMetrics(self.registry, self._gauge, sharding)

    def _gauge(self, name: str, help: str) -> Gauge:
        """One series per live process."""
        return Gauge(name, help, multiprocess_mode="liveall", registry=self.registry)

    def observe_stages(self, timings_ms: Mapping[str, float]) -> None:
        for stage, milliseconds in timings_ms.items():
            self.stage_seconds.labels(stage).observe(milliseconds / 1e3)

    def exposition(self) -> bytes:
        self._refresh()
        if self._shared is None:
            return generate_latest(self.registry) + generate_latest(self._of_any_process)
        _remove_dead_processes(Path(self._shared))
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all, self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(of_all) + generate_latest(self._of_any_process)

    async def keep_fresh(self) -> None:
        """Refreshes this process's gauges for the other workers, which cannot see its indexes."""
        failing = False
        limiter = anyio.CapacityLimiter(1)  # not that of the requests, behind which it would wait
        while True:
            try:
                await anyio.to_thread.run_sync(self._refresh, limiter=limiter)
                failing = False
            except Exception:  # an exception here would end the application
                if not failing:
                    log.exception("cannot refresh the metrics of this process")
                failing = True
            await anyio.sleep(REFRESH_SECONDS)

    def _refresh(self) -> None:
        counts = self._index_cache.counts()
        self._memory.set(psutil.Process().memory_info().rss)
        self._connections.set(self._database.connections_in_use)
        self._most_connections.set(self._database.pool_size)
        self._galleries.set(len(counts))
        self._faces.set(sum(counts.values()))
        if self._shards is not None:
            self._shards.refresh()


class ReindexJobs(Collector):
    """The open re-index jobs, by the database: the same from whichever process answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would call collect(), which queries the database

    def collect(self) -> Iterable[Metric]:
        """Returns nothing while the database is unavailable, so that the other metrics are still exposed."""
        labels = ("gallery", "to_model")
        state = GaugeMetricFamily("gemel_reindex_state", "1 for the job's state", labels=(*labels, "state"))
        stopped = GaugeMetricFamily(
            "gemel_reindex_stopped", "1 if an operator paused the job or a problem stopped it", labels=labels
        )
        figures = {
            "total": GaugeMetricFamily("gemel_reindex_faces", "Faces to be embedded", labels=labels),
            "done": GaugeMetricFamily("gemel_reindex_faces_done", "Faces embedded or skipped", labels=labels),
            "skipped": GaugeMetricFamily(
                "gemel_reindex_faces_skipped", "Faces without an embedding by the new model", labels=labels
            ),
            "rate": GaugeMetricFamily("gemel_reindex_faces_per_second", "Recent rate", labels=labels),
            "seconds_left": GaugeMetricFamily(
                "gemel_reindex_seconds_left",
                "Until all faces are embedded, at that rate",
                labels=labels,
            ),
            "workers": GaugeMetricFamily("gemel_reindex_workers", "Workers now embedding", labels=labels),
        }
        try:
            with self._database.reading() as session:
                for job in reindexes.open_jobs(session):
                    names = (job.gallery.name, job.to_model)
                    state.add_metric((*names, job.row.state), 1)
                    stopped.add_metric(names, float(job.row.paused or job.row.problem is not None))
                    progress = reindexes.progress_of(session, job.row.id)
                    for name, figure in figures.items():
                        value = getattr(progress, name)
                        if value is not None:
                            figure.add_metric(names, value)
        except Unavailable:
            return ()
        return (state, stopped, *figures.values())


def _remove_dead_processes(folder: Path) -> None:
    """Removes the gauges of ended processes; their counters stay."""
    for file in folder.glob("gauge_live*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)


class RequestMetrics:
    """ASGI middleware: counts requests by route, so that paths with ids make no new series."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500
        state = scope.setdefault("state", {})  # `ProblemResponse` stores the problem there

        async def observing_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observing_send)
        finally:
            metrics: Metrics = scope["app"].state.metrics
            route = getattr(scope.get("route"), "path_format", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.requests.labels(method, route, status).inc()
            metrics.request_seconds.labels(method, route).observe(time.perf_counter() - start)
            problem = state.get("problem", {"code": "internal_error"} if status == 500 else None)
            if problem is not None:
                metrics.outcomes.failed(problem["code"])
                rejected = [picture["code"] for picture in problem.get("rejected", ())]
                metrics.outcomes.enrolled(0, rejected)
