"""Galleries: sets of identities that are searched together."""

from fastapi import APIRouter, Response

from indexer.calibration import policy
from indexer.records import galleries, search_counts
from indexer.types import LivenessPolicy
from indexer.usecases import liveness, person_score
from indexer.usecases.answers.fpir_check import FpirCheck
from service.dependencies import CurrentEngine, CurrentGrant
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, gallery_name
from service.routes import problems
from service.schemas.galleries.galleries import Gallery, GalleryPage
from service.schemas.galleries.policies import GalleryNew, GalleryPatch

router = APIRouter(prefix="/v1/galleries", tags=["galleries"], route_class=JsonRoute)


@router.post(
    "",
    status_code=201,
    responses=problems(403, 409, 413, 422),
    operation_id="create_gallery",
    summary="Create a gallery",
)
def create(engine: CurrentEngine, grant: CurrentGrant, body: GalleryNew) -> Gallery:
    grant.check_new_gallery(body.name)
    liveness.check(engine.attributes, body.liveness)
    if body.identify_fpir is not None:
        policy.check_supported(
            engine.calibrations.for_model(engine.pipeline.card), body.identify_fpir, faces=0
        )
    with engine.database.transaction() as session:
        gallery = galleries.create(session, **body.model_dump())
    return Gallery.of(gallery, 0, policy.status(engine.index_store.models, engine.calibrations, gallery))


@router.get(
    "", responses=problems(422), operation_id="list_galleries", summary="List galleries, page by page"
)
def list_page(
    engine: CurrentEngine, grant: CurrentGrant, limit: PageLimit = 100, cursor: PageCursor = None
) -> GalleryPage:
    """In the order of their names; those that the API key may see."""
    after = None if cursor is None else gallery_name(cursor)
    with engine.database.reading() as session:
        page, more = cut(
            galleries.page(session, after=after, limit=limit + 1, patterns=grant.galleries.patterns), limit
        )
        counts = galleries.count_identities(session, [gallery.id for gallery in page])
    return GalleryPage(
        galleries=[
            Gallery.of(
                gallery,
                counts[gallery.id],
                policy.status(engine.index_store.models, engine.calibrations, gallery),
            )
            for gallery in page
        ],
        next_cursor=page[-1].name if more else None,
    )


@router.get("/{gallery}", responses=problems(404, 422), operation_id="get_gallery", summary="Get a gallery")
def get(engine: CurrentEngine, gallery: str) -> Gallery:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        counts = galleries.count_identities(session, [found.id])
    return Gallery.of(
        found, counts[found.id], policy.status(engine.index_store.models, engine.calibrations, found)
    )


@router.get(
    "/{gallery}/fpir-check",
    responses=problems(404, 422),
    operation_id="get_fpir_check",
    summary="Check whether a gallery's false positive rate is kept",
)
def get_fpir_check(engine: CurrentEngine, gallery: str) -> FpirCheck:
    """By the searches of all processes since the last calibration, or of the last days. Processes report
    every ten seconds."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        return FpirCheck.of(search_counts.recent(session, found.id, search_counts.basis_of(found)))


@router.patch(
    "/{gallery}",
    responses=problems(403, 404, 409, 413, 422),
    operation_id="update_gallery",
    summary="Set a gallery's policy",
)
def change(engine: CurrentEngine, gallery: str, body: GalleryPatch) -> Gallery:
    """Takes effect with the next request in every process. The threshold follows `identify_fpir` as the
    gallery grows.

    An `identify_fpir` is rejected if no calibration supports it at the gallery's present size, a `liveness`
    if its weights are not on the server or `GEMEL_ATTRIBUTES` does not permit it.
    """
    changes = body.model_dump(exclude_unset=True)
    score = changes.pop("person_score", None)
    liveness.check(engine.attributes, body.liveness or LivenessPolicy.OFF)
    found = policy.update(
        engine.database, engine.index_store.models, engine.calibrations, gallery, changes, person_score=score
    )
    if score is not None:
        found = person_score.change(engine.database, gallery, score)
    with engine.database.reading() as session:
        counts = galleries.count_identities(session, [found.id])
    return Gallery.of(
        found, counts[found.id], policy.status(engine.index_store.models, engine.calibrations, found)
    )


@router.delete(
    "/{gallery}",
    status_code=204,
    responses=problems(404, 422),
    operation_id="delete_gallery",
    summary="Delete a gallery and everyone in it",
)
def delete(engine: CurrentEngine, gallery: str) -> Response:
    with engine.database.transaction(long=True) as session:
        found = galleries.get(session, gallery)
        galleries.lock(session, found.id)
        galleries.remove(session, found.id)
    engine.index_cache.forget(found.id)
    return Response(status_code=204)
