"""The steps of a job that one worker does alone: build, compare, clean. Each records its result.

A result is recorded only while the worker holds the job's lease and the job's state is the same.
"""

from collections.abc import Sequence
from datetime import timedelta

from indexer.calibration.fitting.measure import on_gallery
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.cluster.shards import progress, sets
from indexer.cluster.shards.progress import SetProgress
from indexer.errors import CalibrationUnsupported, EmbeddingsMissing, ShardsNotReady
from indexer.index.snapshots import SnapshotStore
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import calibrations, reindexes, shard_sets
from indexer.records.notifications import notify
from indexer.records.reindexes import Job
from indexer.records.tables import Gallery
from indexer.reindex.comparison.compare import compare_models
from indexer.reindex.comparison.disputed import compare_disputed
from indexer.reindex.transitions import advance
from indexer.replica import verification
from indexer.replica.store import IndexStore, sweep
from indexer.types import Part, PersonScore

DELETE_BATCH = 5_000
"""Embeddings that one transaction deletes."""
LOOK_AGAIN = timedelta(seconds=2)
"""How often a worker checks shards that are being built. Meanwhile it works on other jobs."""
STUCK_SECONDS = 600.0
"""How long a job waits for a missing or failed copy of a shard while nothing changes. Then it stops with the
reason."""


def build(index_store: IndexStore, job: Job, worker: str, *, least_sharded_faces: int | None = None) -> bool:
    """Builds the new model's index, and verifies that it equals PostgreSQL. Where the gallery is held in
    shards, requests and awaits shards instead, each copy of which verifies itself; see `progress.is_held`.
    Returns False if these are not ready: the job waits, and the worker no longer holds it.

    Raises EmbeddingsMissing, OSError, RuntimeError if the index differs, and ShardsNotReady.
    """
    with index_store.database.reading() as session:
        is_held = progress.is_held(session, job.gallery, least_sharded_faces)
    if is_held:
        return _await_shards(index_store, job, worker)
    _build_whole(index_store, job, worker)
    return True


def _await_shards(index_store: IndexStore, job: Job, worker: str) -> bool:
    """One look at the shards; returns whether they are ready. All that it needs is in PostgreSQL, so any
    worker may continue after any other, which may have ended at any point. The builder on the Ray cluster
    activates the set once all copies are verified.

    Raises EmbeddingsMissing, GalleryNotFound, Busy, ShardsNotReady.
    """
    database = index_store.database
    with database.reading() as session:
        new = progress.of_model(session, job.gallery, job.to_model)
        old = progress.of_model(session, job.gallery, job.from_model)
    if new is None and old is not None:
        new = _request_shards(index_store, job, old)
    if new is not None and new.shard_set.state == "active":
        _record_shards(index_store, job, worker, new)
        return True
    if new is None:
        text = "the gallery has no shards by its present model yet: servers with GEMEL_CLUSTER create them"
    else:
        text = str(new)
    text = f"waits for shards: {text}"
    with database.transaction() as session:
        row = reindexes.lock(session, job.row.id)
        if row.state != job.row.state or row.worker != worker:
            return False
        last, seconds = reindexes.last_event(session, job.row.id)
        if last != text:
            reindexes.add_event(session, job.row.id, text)
        elif (new is None or new.is_stuck) and seconds >= STUCK_SECONDS:
            raise ShardsNotReady(text)
        reindexes.postpone_step(session, job.row.id, worker, LOOK_AGAIN)
    return False


def _request_shards(index_store: IndexStore, job: Job, old: SetProgress) -> SetProgress | None:
    """Begins a set by the new model with as many shards and copies as the old model's, and returns its
    progress. Raises EmbeddingsMissing, GalleryNotFound, Busy."""
    with index_store.database.reading() as session:
        missing = reindexes.count_missing(session, job.gallery.id, job.row.to_model_id)
    if missing:
        raise EmbeddingsMissing(f"{missing} faces have no embedding by {job.to_model}", faces=missing)
    like = old.shard_set
    sets.begin(index_store.database, job.gallery, job.to_model, shards=like.shards, copies=like.copies)
    with index_store.database.reading() as session:
        return progress.of_model(session, job.gallery, job.to_model)


def _record_shards(index_store: IndexStore, job: Job, worker: str, new: SetProgress) -> None:
    with index_store.database.transaction() as session:
        row = advance(session, job, worker, "comparing")
        if row is None:
            return
        shard_set = new.shard_set
        row.verified = {
            "shard_set": str(shard_set.id),
            "shards": shard_set.shards,
            "copies": shard_set.copies,
            "block": shard_set.block,
            "clean": True,
        }
        text = f"built and verified {shard_set.shards} shards, {shard_set.copies} copies of each"
        reindexes.add_event(session, row.id, text)


def _build_whole(index_store: IndexStore, job: Job, worker: str) -> None:
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
    """Compares the two models on the gallery, judges the criteria, and calibrates the new model. A gallery
    in shards is read part by part, and the new model is calibrated on the people of one part."""
    parts = _parts(job)
    comparison = compare_models(index_store.database, job, parts)
    gallery = index_store.read(job.gallery.id)
    score = PersonScore(gallery.person_score)
    curve, event = _calibrate(index_store, job, gallery, parts)
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
            # Now, whether or not the Ray cluster is there: a later job makes other embeddings of the model.
            shard_sets.end(session, job.gallery.id, model)
            reindexes.add_event(session, row.id, f"deleted the embeddings of the {which} model")
            notify(session, job.gallery.id)


def _parts(job: Job) -> list[Part]:
    """The parts of the shards that the job has built; empty if it has built a whole index."""
    verified = job.row.verified or {}
    return Part.every(verified["shards"], verified["block"]) if "shards" in verified else []


def _calibrate(
    index_store: IndexStore, job: Job, gallery: Gallery, parts: Sequence[Part]
) -> tuple[MeasuredCurve | None, str]:
    """The new model's curve on the gallery, so that the policy's FPIR holds after the switch; and an event.

    No curve if the gallery cannot be calibrated.
    """
    card = index_store.models.by_number(job.row.to_model_id)
    fpir = index_store.fpir if gallery.identify_fpir is None else gallery.identify_fpir
    policy = f"FPIR {fpir:g} among {gallery.face_count:,} faces"
    try:
        curve = on_gallery(
            index_store.database,
            gallery.id,
            job.row.to_model_id,
            card,
            PersonScore(gallery.person_score),
            parts[0] if parts else None,
        ).curve
    except CalibrationUnsupported as error:
        return None, f"not calibrated: {error.message}; {policy} uses the model's own calibration"
    sample = f", a sample from one of {len(parts)} shards" if len(parts) > 1 else ""
    supported = curve.least_fpir(gallery.face_count) <= fpir * (1 + 1e-6)
    threshold = curve.threshold(fpir, gallery.face_count)
    return curve, (
        f"calibrated on {curve.identities:,} people{sample}; {policy}: threshold {threshold:.3f},"
        f" {'supported' if supported else 'not supported'}"
    )
