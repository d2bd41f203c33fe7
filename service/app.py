"""Builds the web application: the engine, the middleware, the routes."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from indexer.doctor import every_check
from indexer.gallery_jobs.worker import JobWorker
from indexer.imports.worker import ImportWorker
from indexer.reindex.background import BackgroundWorker
from indexer.settings import Settings
from indexer.tls import server_context
from indexer.transfer.worker import TransferWorker
from service import error_handlers, openapi, startup
from service.dependencies import confirm_access, documented_cookie, documented_key, documented_token
from service.middleware.access.access import Access
from service.middleware.access.authentication import Authentication
from service.middleware.access.guesses import Guesses
from service.middleware.access.key_limits import FIELDS, KeyLimitation
from service.middleware.access.operations import Operations
from service.middleware.access.origins import Origins
from service.middleware.admission import AdmissionControl, EarlyRejection, RequestSlots
from service.middleware.body_limit import BodyLimit
from service.middleware.disconnects import DisconnectWatcher
from service.middleware.forwarded import ForwardedAddress
from service.middleware.methods import METHODS, HeadAsGet
from service.middleware.path_prefix import PathPrefix
from service.middleware.request_ids import RequestIds
from service.monitoring.metrics import Metrics, RequestMetrics
from service.protocol.connections import ConnectionLimits, Connections
from service.readiness import Readiness
from service.requests.queries import known_query
from service.requests.threads import PARSERS
from service.routes import (
    attributes,
    console,
    docs,
    liveness,
    operations,
    recognition,
    samples,
    streams,
    verification,
)
from service.routes.access import audit, explanations, keys, sessions
from service.routes.galleries import calibrations, exports, galleries, indexes, reindexes, transfers
from service.routes.imports import files as import_files
from service.routes.imports import jobs as import_jobs
from service.routes.imports import open_imports
from service.routes.people import (
    changes,
    clusterings,
    duplicate_searches,
    external_ids,
    faces,
    identities,
    reviews,
    sightings,
    visitors,
)
from service.stopping import Stop
from service.streaming.lines import Memory

DESCRIPTION = """
Enrol a person from one photograph, find them again in others.

* **Galleries** hold **identities**, identities hold **faces**. A search runs in one gallery.
* Send photographs as multipart files or as base64 in JSON; each route shows both.
* **Scores** are cosine similarities, -1 to 1; distances are Euclidean, 0 to 2. Boxes and landmarks are in
  pixels of the upright picture. Times are in milliseconds.
* **Errors** are problem details (RFC 9457) with a stable `code`. A 429 and a 503 carry `Retry-After`.
* If the server requires an API key, send it as `X-API-Key` or as `Authorization: Bearer`. A gallery that
  the key may not see is answered like one that does not exist. Web pages exchange it for a cookie:
  `POST /v1/session`.
"""


def create_app(settings: Settings | None = None, *, started: Callable[[], object] = lambda: None) -> FastAPI:
    """`started` is called once everything is open, before the first request."""
    settings = settings or Settings()
    slots = RequestSlots(
        settings.max_requests,
        threads=settings.threads,
        most_overloaded=settings.overload_requests or _overload_requests(settings),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
        app.state.parsers = anyio.CapacityLimiter(PARSERS)
        app.openapi()  # built at startup: the first request would block the event loop with it
        async with startup.open_engine_patiently(settings) as engine:
            app.state.engine = engine
            app.state.doctor = every_check.doctor(
                settings, engine.database, own_problem=lambda: engine.sync_problem
            )
            metrics = app.state.metrics = Metrics(engine.index_cache, engine.database, engine.sharding)
            worker = app.state.import_worker = ImportWorker(
                engine, settings, requests=lambda: slots.working, observe=metrics.outcomes.enrolled
            )
            jobs = app.state.job_worker = JobWorker(
                engine.index_store,
                engine.calibrations,
                shards=engine.sharding,
                ended=metrics.job_seconds.observe,
            )
            transfers_worker = app.state.transfer_worker = TransferWorker(engine, settings)
            stop = Stop(delay_seconds=settings.stop_delay_s)
            async with anyio.create_task_group() as tasks:
                app.state.readiness = Readiness(engine.database, slots, tasks, stop)
                if settings.workers > 1:
                    tasks.start_soon(metrics.keep_fresh)
                with stop.on_sigterm(), _reindex_worker(settings), ExitStack() as workers:
                    for each in (worker, jobs, transfers_worker):
                        workers.enter_context(closing(each))
                        each.start()
                    started()
                    yield {
                        "connections": Connections(_connection_limits(settings)),
                        "stop": stop,
                        "tls": settings.tls_cert and server_context(settings.tls_cert, settings.tls_key),
                    }
                tasks.cancel_scope.cancel()

    app = FastAPI(
        title="Gemel",
        version=version("gemel"),
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such redirects contain `Host`, which the client chooses
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.settings = settings
    app.state.slots = slots
    app.state.stream_memory = Memory(settings.upload_memory_bytes // 2)
    app.state.openapi_json = {}
    _add_middleware(app, settings, slots)
    error_handlers.install(app)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    documented = [
        *(Depends(documented_key), Depends(documented_token), Depends(documented_cookie)),
        Depends(confirm_access),
    ]
    # `external_ids` comes first: whatever follows `by-external-id/` is an id, even `faces`.
    modules = (
        *(external_ids, galleries, exports, transfers, calibrations, identities, faces),
        *(recognition, verification, attributes, liveness, streams),
        *(indexes, reindexes),
        *(changes, clusterings, duplicate_searches, reviews, sightings, visitors),
        *(import_jobs, import_files, open_imports),
        explanations,
        *(audit, keys, sessions, samples),
    )
    for module in modules:
        app.include_router(module.router, dependencies=[*documented, Depends(known_query)])
    app.include_router(operations.health)
    app.include_router(operations.guarded, dependencies=documented)
    if settings.console == "on":
        console.install(app)
    app.include_router(docs.router)
    return app


@contextmanager
def _reindex_worker(settings: Settings) -> Iterator[None]:
    """Works on re-index jobs in this process, if the settings say so."""
    if not settings.works_on_reindexes:
        yield
        return
    worker = BackgroundWorker(settings)
    worker.start()
    try:
        yield
    finally:
        worker.close()


def _add_middleware(app: FastAPI, settings: Settings, slots: RequestSlots) -> None:
    """Adds the innermost first: the last one added sees a request first."""
    app.add_middleware(DisconnectWatcher)
    app.add_middleware(AdmissionControl, slots=slots)
    app.add_middleware(
        BodyLimit, max_bytes=settings.max_upload_bytes, memory_bytes=settings.upload_memory_bytes
    )
    app.add_middleware(EarlyRejection, slots=slots)
    origins = Origins(hosts=settings.allowed_host_list, pages=settings.cors_origin_list)
    app.add_middleware(
        Access,
        origins=origins,
        operations=Operations(app),
        authentication=Authentication(origins=origins, guesses=Guesses()),
        key_limitation=KeyLimitation(),
        console=settings.console == "on",
    )
    if settings.cors_origin_list:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origin_list,
            allow_methods=METHODS,
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-Id"],
            expose_headers=["Allow", *FIELDS, "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(RequestMetrics)
    app.add_middleware(PathPrefix, prefix=settings.root_path or "")
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestIds)
    app.add_middleware(ForwardedAddress, proxies=settings.forwarded_networks)


def _overload_requests(settings: Settings) -> int:
    """Enough to occupy the cores, few enough for each request to take little longer than alone."""
    cores = (os.cpu_count() or 1) // settings.workers
    return max(2, min(cores, settings.threads))


def _connection_limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        max_connections=settings.max_connections,
        head_seconds=settings.header_timeout_s,
        body_seconds=settings.body_timeout_s,
    )
