"""Re-index jobs: start, watch, switch, roll back. Workers (`gemel worker`) do the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from indexer.embedding import requested
from indexer.embedding.card import ModelCard
from indexer.errors import InvalidRequest, Misconfigured
from indexer.pipeline.models import check_calibrated
from indexer.records import galleries, reindexes
from indexer.records.tables import Gallery
from indexer.records.text import checked_text
from indexer.reindex import control, switch
from indexer.reindex import plan as plans
from indexer.reindex import status as status_of
from indexer.reindex.comparison import acceptance
from indexer.settings import Settings
from indexer.usecases.bootstrap import Engine
from service.dependencies import Config, CurrentEngine, CurrentGrant, visible_job
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.galleries.reindexes import (
    Force,
    Reindex,
    ReindexNew,
    ReindexPage,
    ReindexPlan,
    ReindexPlanNew,
)

router = APIRouter(
    prefix="/v1/reindexes",
    tags=["operations"],
    route_class=JsonRoute,
    dependencies=[Depends(visible_job)],
)


@router.post(
    "",
    status_code=202,
    responses=problems(404, 409, 413, 422),
    operation_id="start_reindex",
    summary="Start a re-index",
)
def start(engine: CurrentEngine, grant: CurrentGrant, config: Config, body: ReindexNew) -> Reindex:
    """From now on new enrolments are embedded with both models. Workers embed the existing faces."""
    grant.check_gallery(body.gallery)
    acceptance.check(body.gates)
    gallery, card, plan = _plan(engine, config, body.gallery, body.to)
    job = control.start(
        engine.database, engine.index_store.models, gallery, card, plan, gates=body.gates, force=body.force
    )
    return Reindex.of(status_of.of(engine.database, job.row.id))


@router.post(
    "/plan",
    responses=problems(404, 409, 413, 422),
    operation_id="plan_reindex",
    summary="Estimate the time and the resources of a re-index",
)
def make_plan(
    engine: CurrentEngine, grant: CurrentGrant, config: Config, body: ReindexPlanNew
) -> ReindexPlan:
    """Time, disk and memory, and whether the gallery has enough people for the acceptance criteria. The new
    model embeds a sample of the stored crops. Changes nothing."""
    grant.check_gallery(body.gallery)
    acceptance.check(body.gates)
    gallery, _, plan = _plan(engine, config, body.gallery, body.to)
    with engine.database.reading() as session:
        people, several = reindexes.count_people(session, gallery.id)
    gates = acceptance.forecast(body.gates, identities=people, mated_people=several)
    return ReindexPlan.of(plan, plans.shortages([plan]), gates)


def _plan(engine: Engine, config: Settings, name: str, to: str) -> tuple[Gallery, ModelCard, plans.Plan]:
    """For the gallery and the model that a request names."""
    with engine.database.reading() as session:
        gallery = galleries.get(session, name)
    card = requested.model(to, mirror=config.mirror, folder=config.models_dir, field="to")
    with _requested_model():
        check_calibrated(card)
    control.check_startable(engine.database, engine.index_store.models, gallery, card)
    with _requested_model():
        pipeline = engine.pipelines.for_card(card)
    return gallery, card, plans.make(config, engine.index_store, gallery, pipeline)


@contextmanager
def _requested_model() -> Iterator[None]:
    """A problem with a model that the request names is a problem of the request. Raises InvalidRequest."""
    try:
        yield
    except Misconfigured as error:
        raise InvalidRequest(f"to: {error.message}", field="to") from error


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="list_reindexes",
    summary="List re-index jobs, the newest first",
)
def list_page(
    engine: CurrentEngine,
    grant: CurrentGrant,
    gallery: Annotated[str | None, Query(description="Only jobs of this gallery")] = None,
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> ReindexPage:
    before = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery).id if gallery else None
        jobs = reindexes.newest_first(
            session, found, before=before, at_most=limit + 1, patterns=grant.galleries.patterns
        )
    page, more = cut(jobs, limit)
    return ReindexPage(
        reindexes=[Reindex.of(status_of.of(engine.database, job.row.id)) for job in page],
        next_cursor=str(page[-1].row.id) if more else None,
    )


@router.get(
    "/{job_id}", responses=problems(404, 422), operation_id="get_reindex", summary="Status of a re-index job"
)
def get(engine: CurrentEngine, job_id: UUID) -> Reindex:
    return Reindex.of(status_of.of(engine.database, job_id))


@router.get(
    "/{job_id}/comparison",
    responses=problems(404, 409, 422),
    operation_id="get_reindex_comparison",
    summary="Both models compared on the gallery's own faces",
)
def comparison(engine: CurrentEngine, job_id: UUID) -> dict[str, Any]:
    return status_of.comparison(engine.database, job_id)


@router.post(
    "/{job_id}/pause",
    responses=problems(404, 409, 422),
    operation_id="pause_reindex",
    summary="Pause a re-index job",
)
def pause(engine: CurrentEngine, job_id: UUID) -> Reindex:
    control.pause(engine.database, job_id)
    return get(engine, job_id)


@router.post(
    "/{job_id}/resume",
    responses=problems(404, 409, 422),
    operation_id="resume_reindex",
    summary="Resume a re-index job that is paused or has stopped",
)
def resume(engine: CurrentEngine, job_id: UUID) -> Reindex:
    control.resume(engine.database, job_id)
    return get(engine, job_id)


@router.post(
    "/{job_id}/cancel",
    responses=problems(404, 409, 422),
    operation_id="cancel_reindex",
    summary="End a job before the switch and delete the new model's data",
)
def cancel(engine: CurrentEngine, job_id: UUID) -> Reindex:
    control.cancel(engine.database, job_id)
    return get(engine, job_id)


@router.post(
    "/{job_id}/activate",
    responses=problems(404, 409, 413, 422),
    operation_id="activate_reindex",
    summary="Switch searches to the new model",
)
def activate(engine: CurrentEngine, job_id: UUID, body: Force | None = None) -> Reindex:
    """From the next request on, in every process. 409 if an acceptance criterion is not met."""
    switch.activate(engine.database, job_id, force=_reason(body))
    return get(engine, job_id)


@router.post(
    "/{job_id}/rollback",
    responses=problems(404, 409, 413, 422),
    operation_id="roll_back_reindex",
    summary="Switch searches back to the old model",
)
def rollback(engine: CurrentEngine, job_id: UUID, body: Force | None = None) -> Reindex:
    """No enrolment is lost."""
    switch.rollback(engine.database, job_id, force=_reason(body))
    return get(engine, job_id)


@router.post(
    "/{job_id}/cleanup",
    responses=problems(404, 409, 422),
    operation_id="clean_up_reindex",
    summary="End a job after the switch and delete the old model's data",
)
def cleanup(engine: CurrentEngine, job_id: UUID) -> Reindex:
    """A worker deletes its embeddings. A rollback is no longer possible."""
    control.cleanup(engine.database, job_id)
    return get(engine, job_id)


def _reason(body: Force | None) -> str | None:
    return None if body is None else checked_text(body.force, "force")
