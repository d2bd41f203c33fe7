"""The steps of a job that one worker does alone: build, compare, clean. Each records its result.

A result is recorded only while the worker holds the job's lease and the job's state is the same.
"""

from indexer.calibration.fitting.measure import on_gallery
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.errors import CalibrationUnsupported
from indexer.index.snapshots import SnapshotStore
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import calibrations, reindexes
from indexer.records.notifications import notify
from indexer.records.reindexes import Job
from indexer.records.tables import Gallery
from indexer.reindex.comparison.compare import compare_models
from indexer.reindex.comparison.disputed import compare_disputed
from indexer.reindex.transitions import advance
from indexer.replica import verification
from indexer.replica.store import IndexStore, sweep
from indexer.types import PersonScore

DELETE_BATCH = 5_000
"""Embeddings that one transaction deletes."""


def build(index_store: IndexStore, job: Job, worker: str) -> None:
    """Builds the new model's index and verifies that it equals PostgreSQL.

    Raises EmbeddingsMissing, OSError, and RuntimeError if the index differs.
    """
    store = index_store.of_model(index_store.models.by_number(job.row.to_model_id))
    name = store.rebuild(job.gallery)
    proof = verification.verify(store, store.read(job.gallery.id))
    # `proof.clean` also compares what processes report, which here is of an earlier use of this model.
    clean = proof.index_digest == proof.digest and not proof.difference
    verified = {
        "snapshot": name,
        "count": proof.count,
        "applied": proof.applied,
        "digest": proof.digest,
        "clean": clean,
    }
    if not clean:
        raise RuntimeError(f"the new index differs from PostgreSQL: {verified}")
    with store.database.transaction() as session:
        row = advance(session, job, worker, "comparing")
        if row is not None:
            row.verified = verified
            reindexes.add_event(session, row.id, f"built and verified index {name}: {proof.count} faces")
            return
    sweep.remove_if_unused(store.database, store.root, job.gallery, job.to_model)


def compare(index_store: IndexStore, factory: PipelineFactory, job: Job, worker: str) -> None:
    """Compares the two models on the gallery, judges the criteria, and calibrates the new model."""
    comparison = compare_models(index_store.database, job)
    gallery = index_store.read(job.gallery.id)
    score = PersonScore(gallery.person_score)
    curve, event = _calibrate(index_store, job, gallery)
    if gallery.has_disputes:
        comparison["disputed"] = compare_disputed(index_store, factory, job, gallery, curve)
    failed = [gate["gate"] for gate in comparison["gates"] if not gate["passed"]]
    verdict = f"criteria not met: {', '.join(failed)}" if failed else "all criteria are met"
    with index_store.database.transaction() as session:
        row = advance(session, job, worker, "ready")
        if row is None:
            return
        row.comparison = comparison
        reindexes.add_event(session, row.id, f"compared; {verdict}")
        if curve is not None:
            calibrations.add(
                session,
                gallery_id=job.gallery.id,
                model_id=job.row.to_model_id,
                source="gallery",
                person_score=score,
                parameters=curve.to_json(),
            )
        reindexes.add_event(session, row.id, event)
        notify(session, job.gallery.id)


def clean(index_store: IndexStore, job: Job, worker: str) -> None:
    """Deletes the old model's embeddings and index after the switch, or the new model's after a cancel.

    Needs no model: that it is gone may be the reason for the command.
    """
    if job.row.state == "cleaning":
        number, model, which, end = job.row.from_model_id, job.from_model, "old", "done"
    else:
        number, model, which, end = job.row.to_model_id, job.to_model, "new", "cancelled"
    deleted = DELETE_BATCH
    while deleted:
        with index_store.database.transaction() as session:
            deleted = reindexes.delete_embeddings(session, job.gallery.id, number, at_most=DELETE_BATCH)
    SnapshotStore(index_store.root, job.gallery.id, model).remove()
    with index_store.database.transaction() as session:
        row = advance(session, job, worker, end)
        if row is not None:
            reindexes.add_event(session, row.id, f"deleted the embeddings of the {which} model")
            notify(session, job.gallery.id)


def _calibrate(index_store: IndexStore, job: Job, gallery: Gallery) -> tuple[MeasuredCurve | None, str]:
    """The new model's curve on the gallery, so that the policy's FPIR holds after the switch; and an event.

    No curve if the gallery cannot be calibrated.
    """
    card = index_store.models.by_number(job.row.to_model_id)
    fpir = index_store.fpir if gallery.identify_fpir is None else gallery.identify_fpir
    policy = f"FPIR {fpir:g} among {gallery.face_count:,} faces"
    try:
        curve = on_gallery(
            index_store.database, gallery.id, job.row.to_model_id, card, PersonScore(gallery.person_score)
        ).curve
    except CalibrationUnsupported as error:
        return None, f"not calibrated: {error.message}; {policy} uses the model's own calibration"
    supported = curve.least_fpir(gallery.face_count) <= fpir * (1 + 1e-6)
    threshold = curve.threshold(fpir, gallery.face_count)
    return curve, (
        f"calibrated on {curve.identities:,} people; {policy}: threshold {threshold:.3f},"
        f" {'supported' if supported else 'not supported'}"
    )
