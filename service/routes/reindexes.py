"""Re-index jobs: begin one, look on, switch, switch back. Workers (`gemel worker`) do the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from indexer.embedding import requested
from indexer.errors import InvalidRequest, Misconfigured
from indexer.pipeline.models import check_calibrated
from indexer.records import galleries, reindexes
from indexer.records.text import checked_text
from indexer.reindex import control, switch
from indexer.reindex import plan as plans
from indexer.reindex import status as status_of
from indexer.reindex.comparison import acceptance
from service.dependencies import Config, CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.reindexes import Force, Reindex, ReindexNew, ReindexPage

router = APIRouter(prefix="/v1/reindexes", tags=["operations"], route_class=JsonRoute)


@router.post(
    "",
    status_code=202,
    responses=problems(404, 409, 413, 422),
    operation_id="start_reindex",
    summary="Begin a re-index",
)
def start(engine: CurrentEngine, config: Config, body: ReindexNew) -> Reindex:
    """From now on enrolments are embedded with both models; workers embed what is there already."""
    acceptance.check(body.gates)
    with engine.database.reading() as session:
        gallery = galleries.get(session, body.gallery)
    card = requested.model(body.to, mirror=config.mirror, folder=config.models_dir, field="to")
    with _callers_model():
        check_calibrated(card)
    control.check_startable(engine.database, engine.index_store.models, gallery, card)
    with _callers_model():
        pipeline = engine.pipelines.for_card(card)
    plan = plans.make(config, engine.index_store, gallery, pipeline)
    job = control.start(
        engine.database, engine.index_store.models, gallery, card, plan, gates=body.gates, force=body.force
    )
    return Reindex.of(status_of.of(engine.database, job.row.id))


@contextmanager
def _callers_model() -> Iterator[None]:
    """What is wrong with a model that a request names is the request's to mend. Raises InvalidRequest."""
    try:
        yield
    except Misconfigured as error:
        raise InvalidRequest(f"to: {error.message}", field="to") from error


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="list_reindexes",
    summary="Re-index jobs, the newest first, page by page",
)
def list_page(
    engine: CurrentEngine,
    gallery: Annotated[str | None, Query(description="Only its own")] = None,
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> ReindexPage:
    before = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery).id if gallery else None
        following = reindexes.newest_first(session, found, before=before, at_most=limit + 1)
    page, more = cut(following, limit)
    return ReindexPage(
        reindexes=[Reindex.of(status_of.of(engine.database, job.row.id)) for job in page],
        next_cursor=str(page[-1].row.id) if more else None,
    )


@router.get("/{job_id}", responses=problems(404, 422), operation_id="get_reindex", summary="How far is it?")
def get(engine: CurrentEngine, job_id: UUID) -> Reindex:
    return Reindex.of(status_of.of(engine.database, job_id))


@router.get(
    "/{job_id}/comparison",
    responses=problems(404, 409, 422),
    operation_id="get_reindex_comparison",
    summary="Both models on the gallery itself",
)
def comparison(engine: CurrentEngine, job_id: UUID) -> dict[str, Any]:
    return status_of.comparison(engine.database, job_id)


@router.post(
    "/{job_id}/pause",
    responses=problems(404, 409, 422),
    operation_id="pause_reindex",
    summary="Workers leave it alone",
)
def pause(engine: CurrentEngine, job_id: UUID) -> Reindex:
    control.pause(engine.database, job_id)
    return get(engine, job_id)


@router.post(
    "/{job_id}/resume",
    responses=problems(404, 409, 422),
    operation_id="resume_reindex",
    summary="Workers go on",
)
def resume(engine: CurrentEngine, job_id: UUID) -> Reindex:
    control.resume(engine.database, job_id)
    return get(engine, job_id)


@router.post(
    "/{job_id}/cancel",
    responses=problems(404, 409, 422),
    operation_id="cancel_reindex",
    summary="Give the new model up",
)
def cancel(engine: CurrentEngine, job_id: UUID) -> Reindex:
    control.cancel(engine.database, job_id)
    return get(engine, job_id)


@router.post(
    "/{job_id}/activate",
    responses=problems(404, 409, 413, 422),
    operation_id="activate_reindex",
    summary="Search with the new model",
)
def activate(engine: CurrentEngine, job_id: UUID, body: Force | None = None) -> Reindex:
    """From the next request on, in every process. Refused where a gate is not passed."""
    switch.activate(engine.database, job_id, force=_reason(body))
    return get(engine, job_id)


@router.post(
    "/{job_id}/rollback",
    responses=problems(404, 409, 413, 422),
    operation_id="roll_back_reindex",
    summary="Search with the old model again",
)
def rollback(engine: CurrentEngine, job_id: UUID, body: Force | None = None) -> Reindex:
    """Nothing that was enrolled since is lost."""
    switch.rollback(engine.database, job_id, force=_reason(body))
    return get(engine, job_id)


@router.post(
    "/{job_id}/cleanup",
    responses=problems(404, 409, 422),
    operation_id="clean_up_reindex",
    summary="Give the old model up",
)
def cleanup(engine: CurrentEngine, job_id: UUID) -> Reindex:
    """Its embeddings are deleted by a worker: there is no way back."""
    control.cleanup(engine.database, job_id)
    return get(engine, job_id)


def _reason(body: Force | None) -> str | None:
    return None if body is None else checked_text(body.force, "force")
