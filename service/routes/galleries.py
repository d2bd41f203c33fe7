"""Galleries: people who are searched together."""

from fastapi import APIRouter, Response

from indexer.records import galleries
from service.dependencies import Engine
from service.routes import problems
from service.schemas.enrolled import Gallery, GalleryList
from service.schemas.requests import GalleryNew

router = APIRouter(prefix="/v1/galleries", tags=["galleries"])


@router.post("", status_code=201, responses=problems(409, 413, 422), summary="Create a gallery")
def create(engine: Engine, body: GalleryNew) -> Gallery:
    with engine.database.transaction() as session:
        gallery = galleries.create(session, body.name, store_crops=body.store_crops)
    return Gallery.of(gallery, identities=0)


@router.get("", responses=problems(), summary="List all galleries")
def list_all(engine: Engine) -> GalleryList:
    with engine.database.reading() as session:
        every = galleries.all_of_them(session)
        counts = galleries.identity_counts(session, [gallery.id for gallery in every])
    return GalleryList(galleries=[Gallery.of(gallery, counts[gallery.id]) for gallery in every])


@router.get("/{gallery}", responses=problems(404, 422), summary="Get a gallery")
def get(engine: Engine, gallery: str) -> Gallery:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        counts = galleries.identity_counts(session, [found.id])
    return Gallery.of(found, counts[found.id])


@router.delete(
    "/{gallery}",
    status_code=204,
    responses=problems(404, 422),
    summary="Delete a gallery with everybody in it",
)
def delete(engine: Engine, gallery: str) -> Response:
    with engine.database.transaction() as session:
        found = galleries.get(session, gallery)
        galleries.lock(session, found.id)
        galleries.remove(session, found.id)
    engine.follower.forget(found.id)
    return Response(status_code=204)
