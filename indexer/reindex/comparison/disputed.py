"""Disputed matches by both models of a job: which of them would each model still match?

The kept crops of the probes are embedded by both. Only disputes whose crop is kept can be measured.
"""

import logging
from typing import Any

from indexer.calibration.active import of_card
from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold.curve import ScoreCurve
from indexer.embedding.embedder import stacked
from indexer.errors import InvalidInput, Misconfigured
from indexer.pipeline.crops import aligned
from indexer.pipeline.pipeline import Pipeline, usable
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records.audit import disputes
from indexer.records.audit.disputes import DisputedProbe
from indexer.records.reindexes import Job, StoredCrop
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore
from indexer.usecases.verify import score_identity

log = logging.getLogger(__name__)

MAX_DISPUTES = 1_000
"""The newest are measured."""


def compare_disputed(
    index_store: IndexStore,
    factory: PipelineFactory,
    job: Job,
    gallery: Gallery,
    new_curve: ScoreCurve | None,
) -> dict[str, Any]:
    """Each model by its own threshold for the gallery's policy at its size. `new_curve`: the new model's,
    measured on the gallery; None where it could not be.

    Measures none where this process cannot open a model. Raises what the networks raise.
    """
    with index_store.database.reading() as session:
        count = disputes.count(session, gallery.id)
        probes = disputes.with_probes(session, gallery.id, at_most=MAX_DISPUTES)
    nothing = {"count": count, "measured": 0, "old_matched": 0, "new_matched": 0}
    if not probes:
        return nothing
    resolver = CalibrationResolver(index_store.database, index_store.models, index_store.fpir)
    try:
        cards = [index_store.models.by_number(n) for n in (job.row.from_model_id, job.row.to_model_id)]
        pipelines = [factory.pipeline(card) for card in cards]
    except Misconfigured as error:  # the comparison itself needs no old model
        log.warning("disputed matches of gallery %s cannot be compared: %s", gallery.name, error)
        return nothing
    old_threshold = resolver.decide(gallery, cards[0], gallery.face_count).threshold
    curve = new_curve or of_card(cards[1]).curve
    thresholds = (old_threshold, curve.threshold(resolver.fpir_of(gallery), gallery.face_count))
    scores = [[_score(index_store, pipeline, gallery, probe) for probe in probes] for pipeline in pipelines]
    measured = [pair for pair in zip(*scores, strict=True) if None not in pair]
    old_matched, new_matched = (sum(pair[side] >= thresholds[side] for pair in measured) for side in (0, 1))
    return {
        "count": count,
        "measured": len(measured),
        "old_matched": old_matched,
        "new_matched": new_matched,
    }


def _score(
    index_store: IndexStore, pipeline: Pipeline, gallery: Gallery, probe: DisputedProbe
) -> float | None:
    """With the person whom the disputed face belongs to; None where it cannot be measured."""
    crop = StoredCrop(key=0, jpeg=probe.jpeg, landmarks=probe.landmarks)
    try:
        pictures = aligned(crop, pipeline.templates, pipeline.refiner)
    except InvalidInput:  # damaged
        return None
    vectors = pipeline.embedder.embed(*stacked([pictures]))
    if not usable(vectors).all():
        return None
    with index_store.database.reading() as session:
        found = score_identity(session, gallery.id, probe.identity_id, pipeline.card.fingerprint, vectors[0])
    return None if found is None else found.score
