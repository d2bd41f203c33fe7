"""Calibrates a gallery within a request: for galleries that are small enough for it."""

from indexer.calibration.fitting.measure import on_gallery
from indexer.errors import CalibrationUnsupported
from indexer.pipeline.models import GalleryModels
from indexer.records import calibrations, galleries
from indexer.records.database.session import Database
from indexer.records.tables import Calibration
from indexer.types import PersonScore

MAX_FACES = 20_000
"""Some seconds of one core, and 50 MB. `gemel calibrate` has no limit."""


def calibrate(database: Database, models: GalleryModels, name: str) -> Calibration:
    """Measures the gallery with its model and stores the result, which is active from the next request on.

    Raises GalleryNotFound, ModelUnavailable, and CalibrationUnsupported for too few people or too many faces.
    """
    with database.reading() as session:
        gallery = galleries.get(session, name)
    if gallery.model_id is None:
        raise CalibrationUnsupported(f"nobody is enrolled in {name!r} yet", measured=0)
    if gallery.face_count > MAX_FACES:
        raise CalibrationUnsupported(
            f"the gallery has {gallery.face_count:,} faces, more than the {MAX_FACES:,} that a request"
            f" measures: run `gemel calibrate --gallery {name}`",
            measured=gallery.face_count,
            limit=MAX_FACES,
        )
    score = PersonScore(gallery.person_score)
    measured = on_gallery(database, gallery.id, gallery.model_id, models.for_gallery(gallery), score)
    with database.transaction() as session:
        return calibrations.add(
            session,
            gallery_id=gallery.id,
            model_id=gallery.model_id,
            source="gallery",
            parameters=measured.curve.to_json(),
            person_score=score,
        )
