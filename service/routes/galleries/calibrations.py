"""Calibrations of galleries: what scores mean, and what a policy would mean."""

from typing import Annotated

from fastapi import APIRouter, Query

from indexer.calibration import preview as previews
from indexer.calibration.active import ActiveCalibration
from indexer.calibration.fitting import gallery as fitting
from indexer.embedding.card import ModelCard
from indexer.records import calibrations, galleries
from indexer.records.tables import Gallery
from indexer.settings import LEAST_RATE
from indexer.usecases.bootstrap import Engine
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.galleries.calibrations import (
    CurvePoint,
    GalleryCalibration,
    Measured,
    PolicyPreview,
    ThresholdAtSize,
)

router = APIRouter(prefix="/v1/galleries/{gallery}/calibration", tags=["galleries"], route_class=JsonRoute)

Faces = Annotated[
    int | None,
    Query(ge=0, le=10**9, description="Gallery size; by default the number of enrolled faces"),
]


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="get_calibration",
    summary="Get a gallery's calibration",
)
def get(engine: CurrentEngine, gallery: str, faces: Faces = None) -> GalleryCalibration:
    """What a score means: the false positive rates with their intervals, the expected misses, the threshold
    of the policy, and how far the gallery may grow. `gemel calibrate --gallery` measures a new one.
    """
    found, card, active = _active(engine, gallery)
    stored = None
    if active.id is not None:
        with engine.database.reading() as session:
            stored = calibrations.get(session, active.id)
    fpir = engine.calibrations.fpir_of(found)
    enrolled = found.face_count
    size = enrolled if faces is None else faces
    policies = sorted({*previews.POLICIES, fpir}, reverse=True)
    return GalleryCalibration(
        gallery=found.name,
        model=card.fingerprint,
        calibration=active.kind,
        measured=Measured.of(stored),
        faces=enrolled,
        policy=PolicyPreview.of_preview(previews.preview(active, card, fpir, enrolled)),
        curve=[CurvePoint.of(point) for point in previews.points(active, card, enrolled)],
        growth=[ThresholdAtSize.of(at) for at in previews.growth(active, fpir, enrolled)],
        policies=[PolicyPreview.of_preview(previews.preview(active, card, each, size)) for each in policies],
    )


@router.post(
    "",
    status_code=201,
    responses=problems(404, 409, 422),
    operation_id="calibrate_gallery",
    summary="Calibrate a gallery on its own people",
)
def calibrate(engine: CurrentEngine, gallery: str) -> GalleryCalibration:
    """Compares each enrolled person with all others, and each face with the person's other faces. The result
    is active from the next request on; the policy stays as it is.

    409 for fewer than 100 people, and for more than 20,000 faces: `gemel calibrate` has no such limit.
    """
    fitting.calibrate(engine.database, engine.index_store.models, gallery)
    return get(engine, gallery)


@router.get(
    "/preview",
    responses=problems(404, 422),
    operation_id="preview_policy",
    summary="Preview a policy",
)
def preview(
    engine: CurrentEngine,
    gallery: str,
    fpir: Annotated[
        float,
        Query(ge=LEAST_RATE, lt=1, description="Share of searches for strangers that may give a false alarm"),
    ],
    faces: Faces = None,
) -> PolicyPreview:
    """The threshold, the expected misses, and up to which gallery size the calibration supports the policy.
    Changes nothing: `identify_fpir` of the gallery sets it.
    """
    found, card, active = _active(engine, gallery)
    size = found.face_count if faces is None else faces
    return PolicyPreview.of_preview(previews.preview(active, card, fpir, size))


def _active(engine: Engine, name: str) -> tuple[Gallery, ModelCard, ActiveCalibration]:
    with engine.database.reading() as session:
        found = galleries.get(session, name)
    card = engine.index_store.models.for_gallery(found)
    return found, card, engine.calibrations.for_gallery(found, card)
