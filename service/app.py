"""Makes the web application: the engine, the routes, the limits."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import anyio.to_thread
from fastapi import Depends, FastAPI

from indexer.recognition.assembly import open_recognition
from indexer.settings import Settings
from service import errors, openapi
from service.access import Access
from service.dependencies import documented_key
from service.limits import BodyLimit, Crowd
from service.metrics import Measure, Metrics
from service.queries import known_query
from service.routes import (
    docs,
    external_ids,
    faces,
    galleries,
    identities,
    indexes,
    operations,
    recognition,
    reindexes,
)

log = logging.getLogger(__name__)

DESCRIPTION = """
Enrol a person from one photograph, find them again in others.

* **Galleries** hold **identities**, identities hold **faces**. A search runs in one gallery.
* Photographs are sent as multipart files, or as base64 in JSON; both are shown at each route.
* **Scores** are cosine similarities, -1 to 1; distances are Euclidean, 0 to 2. Boxes and landmarks are in
  pixels of the upright picture. Times are in milliseconds.
* **Errors** are problem details (RFC 9457) with a stable `code`. With 503 comes `Retry-After`.
* Where an API key is set, send it as `X-API-Key`.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
        app.state.readiness_limiter = anyio.CapacityLimiter(1)
        with open_recognition(settings, serving=True) as engine:
            app.state.recognition = engine
            metrics = app.state.metrics = Metrics(engine.follower, engine.database)
            faces = sum(engine.follower.counts().values())
            log.info("%d faces loaded, model %s", faces, engine.camera.embedder.card.fingerprint)
            async with anyio.create_task_group() as tasks:
                if settings.workers > 1:
                    tasks.start_soon(metrics.keep_fresh)
                yield
                tasks.cancel_scope.cancel()

    app = FastAPI(
        title="Gemel",
        version=version("gemel"),
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.settings = settings
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes)
    app.add_middleware(Crowd, most=settings.max_requests)
    app.add_middleware(
        Access, api_key=None if settings.api_key is None else settings.api_key.get_secret_value()
    )
    app.add_middleware(Measure)
    errors.install(app)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    # `external_ids` first: what stands behind `by-external-id/` is an id, even `faces`.
    for room in (external_ids, galleries, identities, faces, recognition, indexes, reindexes):
        app.include_router(room.router, dependencies=[Depends(documented_key), Depends(known_query)])
    app.include_router(operations.health)
    app.include_router(operations.guarded)
    app.include_router(docs.router)
    return app
