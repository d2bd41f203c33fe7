"""Operations: health, readiness, metrics, models, the last errors, and findings of the doctor."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from indexer.calibration.active import of_card
from indexer.embedding import catalog
from indexer.recent_errors import Level
from indexer.records import logged_errors
from indexer.weights.locate import is_present
from service.dependencies import CurrentEngine, Examiner, Meters
from service.requests.pagination import PageCursor, PageLimit, cut, whole_number
from service.requests.queries import known_query
from service.requests.threads import ThreadRoute
from service.routes import problems
from service.schemas.galleries.calibrations import Misses
from service.schemas.operations import (
    ErrorPage,
    Examination,
    Health,
    LoggedError,
    Model,
    ModelFigure,
    ModelList,
    Readiness,
)

health = APIRouter(tags=["operations"])
guarded = APIRouter(tags=["operations"], route_class=ThreadRoute)


@health.get("/healthz", operation_id="get_health", summary="Is the process alive?")
async def healthz() -> Health:
    return Health(status="ok")


@health.get(
    "/readyz",
    responses=problems(),
    operation_id="get_readiness",
    summary="Is the process ready? Queries PostgreSQL",
)
async def readyz(request: Request, engine: CurrentEngine) -> Readiness:
    """Answers 503 if no request could be answered: PostgreSQL is unavailable, or all requests are stuck,
    or the server is stopping."""
    totals = await request.app.state.readiness.totals()
    return Readiness(
        status="ready",
        model=engine.pipeline.embedder.card.fingerprint,
        galleries=totals.galleries,
        faces=totals.faces,
        indexes_open=engine.index_cache.open_indexes,
        sync=engine.sync_problem or "ok",
        shards="off" if engine.sharding is None else engine.sharding.problem or "ok",
    )


@guarded.get(
    "/metrics",
    response_class=Response,
    responses=problems(),
    operation_id="get_metrics",
    summary="Metrics for Prometheus",
)
def metrics(meters: Meters) -> Response:
    return Response(meters.exposition(), media_type=CONTENT_TYPE_LATEST)


@guarded.get(
    "/v1/models",
    responses=problems(),
    dependencies=[Depends(known_query)],
    operation_id="list_models",
    summary="List the models that this version knows",
)
def models(engine: CurrentEngine) -> ModelList:
    active = engine.pipeline.embedder.card
    return ModelList(
        models=[
            Model(
                **card.summary(),
                available=card.is_available(engine.weight_store),
                recommended=card.name == catalog.RECOMMENDED,
                active=card == active,
                download_bytes=sum(
                    file.size_bytes or 0 for file in card.weights if not is_present(file, engine.weight_store)
                ),
                figures=[
                    ModelFigure(fmr=fmr, threshold=score, misses=Misses.of(of_card(card).curve.misses(score)))
                    for fmr, score in card.score_at_fmr
                ],
            )
            for card in catalog.known(active)
        ]
    )


@guarded.get(
    "/v1/errors",
    responses=problems(422),
    dependencies=[Depends(known_query)],
    operation_id="list_errors",
    summary="List the last warnings and errors of all processes, the newest first",
)
def errors(
    engine: CurrentEngine,
    level: Annotated[Level | None, Query(description="Only lines of this level")] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> ErrorPage:
    """Lines of the processes' logs, stored a second or two later: the last 200 of a process, 1,000 of all,
    7 days at most. Of lines of the same kind, one every ten seconds is stored. Tracebacks are
    only in the log."""
    before = None if cursor is None else whole_number(cursor)
    with engine.database.reading() as session:
        found = logged_errors.newest(session, level=level, before=before, limit=limit + 1)
    page, more = cut(found, limit)
    return ErrorPage(
        errors=[LoggedError.of(row) for row in page], next_cursor=str(page[-1].number) if more else None
    )


@guarded.get(
    "/v1/doctor",
    responses=problems(),
    dependencies=[Depends(known_query)],
    operation_id="examine",
    summary="Examine the installation: problems, and what to do about them",
)
def examine(doctor: Examiner) -> Examination:
    """Settings, disk, memory, weights, certificate, PostgreSQL, processes, indexes, keys, audit record,
    models and jobs, as the process sees them that answers. Changes nothing, and takes five seconds at most:
    a check that has not answered by then is a finding. `gemel doctor` does the same on the command line."""
    return Examination.of(doctor.examine())
