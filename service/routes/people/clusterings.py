"""Clusterings join the anonymous identities of one person, as a job."""

from uuid import UUID

from fastapi import APIRouter

from indexer.records import galleries
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING
from service.dependencies import CurrentEngine, CurrentJobWorker
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.people.clusterings import Clustering, ClusteringGroups, ClusteringNew, ClusteringPage

router = APIRouter(prefix="/v1/galleries/{gallery}/clusterings", tags=["clusterings"], route_class=JsonRoute)


@router.post(
    "",
    status_code=201,
    responses=problems(404, 409, 413, 422),
    operation_id="create_clustering",
    summary="Group the anonymous faces of a gallery",
)
def create(engine: CurrentEngine, worker: CurrentJobWorker, gallery: str, body: ClusteringNew) -> Clustering:
    """A serving process does it; ask for its progress. Groups of several faces are never split, and keep
    their ids. Identities with names stay as they are, unless `join_named`. Each join is a merge, which can be
    undone. 409 `clustering_exists` while the gallery is being clustered."""
    with engine.database.transaction() as session:
        job = jobs.create(session, galleries.get(session, gallery), CLUSTERING, body.model_dump())
    worker.wake()
    return Clustering.of(job, gallery)


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="list_clusterings",
    summary="List clusterings, the newest first",
)
def list_page(
    engine: CurrentEngine, gallery: str, limit: PageLimit = 20, cursor: PageCursor = None
) -> ClusteringPage:
    before = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        page, more = cut(
            jobs.newest_first(session, found.id, CLUSTERING, before=before, at_most=limit + 1), limit
        )
    return ClusteringPage(
        clusterings=[Clustering.of(job, gallery) for job in page],
        next_cursor=str(page[-1].id) if more else None,
    )


@router.get(
    "/{clustering_id}",
    responses=problems(404, 422),
    operation_id="get_clustering",
    summary="Get the progress of a clustering",
)
def get(engine: CurrentEngine, gallery: str, clustering_id: UUID) -> Clustering:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        return Clustering.of(jobs.get(session, found.id, CLUSTERING, clustering_id), gallery)


@router.get(
    "/{clustering_id}/groups",
    responses=problems(404, 409, 422),
    operation_id="get_clustering_groups",
    summary="Get the groups that a dry run has found",
)
def groups(engine: CurrentEngine, gallery: str, clustering_id: UUID) -> ClusteringGroups:
    """Kept until the gallery's next clustering. 409 `clustering_state` if it is not done, or no dry run: then
    the groups are identities."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        job = jobs.get(session, found.id, CLUSTERING, clustering_id, with_result=True)
    return ClusteringGroups.of(jobs.result_of(job))


@router.post(
    "/{clustering_id}/cancel",
    responses=problems(404, 409, 422),
    operation_id="cancel_clustering",
    summary="Cancel a clustering",
)
def cancel(engine: CurrentEngine, gallery: str, clustering_id: UUID) -> Clustering:
    """What was joined stays joined."""
    with engine.database.transaction() as session:
        job = jobs.cancel(session, galleries.get(session, gallery), CLUSTERING, clustering_id)
    return Clustering.of(job, gallery)


@router.post(
    "/{clustering_id}/undo",
    status_code=202,
    responses=problems(404, 409, 422),
    operation_id="undo_clustering",
    summary="Undo what a clustering has joined",
)
def undo(engine: CurrentEngine, worker: CurrentJobWorker, gallery: str, clustering_id: UUID) -> Clustering:
    """A serving process does it, the newest join first; ask for its progress. What people have named, merged
    or split since stays as it is, as does what a later clustering has joined to another; the figures of
    `undo` that begin with `kept_` count it. Reviews stay. The same request again changes nothing if all is
    undone, and otherwise tries what was left. 409 `clustering_state` if it has not ended or is a dry run,
    `clustering_exists` while another clustering of the gallery is at work."""
    with engine.database.transaction() as session:
        job = jobs.begin_undo(session, galleries.get(session, gallery), clustering_id)
    worker.wake()
    return Clustering.of(job, gallery)
