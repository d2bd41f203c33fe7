"""What Prometheus is told. One registry an app, so that two apps in a process do not mix."""

import time
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.recognition.follower import Follower

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    def __init__(self, follower: Follower) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gemel_requests", "HTTP requests", ["method", "route", "status"], registry=self.registry
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
        self.registry.register(_Galleries(follower))

    def observe_stages(self, timings_ms: Mapping[str, float]) -> None:
        for stage, milliseconds in timings_ms.items():
            self.stage_seconds.labels(stage).observe(milliseconds / 1e3)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


class _Galleries(Collector):
    """Read when asked: the indexes know their sizes best."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def collect(self) -> Iterable[Metric]:
        counts = self._follower.counts()
        yield GaugeMetricFamily("gemel_index_galleries", "Galleries with an index in memory", len(counts))
        yield GaugeMetricFamily("gemel_index_faces", "Faces in those indexes", sum(counts.values()))


class Measure:
    """ASGI middleware that counts requests by route, so that paths with ids do not multiply."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            metrics: Metrics = scope["app"].state.metrics
            route = getattr(scope.get("route"), "path", "none")
            metrics.requests.labels(scope["method"], route, status).inc()
            metrics.request_seconds.labels(scope["method"], route).observe(time.perf_counter() - start)
