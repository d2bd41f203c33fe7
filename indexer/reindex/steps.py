"""The steps of a job that one worker does alone, with the comparison, which is in `comparing`."""

from typing import Any

from indexer.calibration.fitting.measure import on_gallery
from indexer.calibration.measured_curve import MeasuredCurve
from indexer.errors import CalibrationUnsupported
from indexer.index.snapshots import SnapshotStore
from indexer.records import reindexes
from indexer.records.reindexes import Job
from indexer.replica import maintenance
from indexer.replica.store import IndexStore

DELETED_AT_ONCE = 5_000


def build(index_store: IndexStore, job: Job) -> dict[str, Any]:
    """The new model's index, and the proof that it equals PostgreSQL, ready to be stored.

    Raises EmbeddingsMissing, OSError, and RuntimeError where it does not.
    """
    index_store = index_store.of_model(index_store.models.by_number(job.row.to_model_id))
    name = index_store.rebuild(job.gallery)
    proof = maintenance.verify(index_store, index_store.read(job.gallery.id))
    # What processes tell of an index by this model is of an earlier time that the gallery had it.
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
    return verified


def calibrate(index_store: IndexStore, job: Job) -> tuple[MeasuredCurve | None, str]:
    """Of the new model on the gallery, and what there is to say of it: so that the false alarm rate is
    carried over when the gallery is switched, never a score. None where it cannot be."""
    card = index_store.models.by_number(job.row.to_model_id)
    gallery = index_store.read(job.gallery.id)
    fpir = index_store.fpir if gallery.identify_fpir is None else gallery.identify_fpir
    wanted = f"FPIR {fpir:g} among {gallery.face_count:,} faces"
    try:
        found = on_gallery(index_store.database, gallery.id, job.row.to_model_id, card).curve
    except CalibrationUnsupported as error:
        return None, f"not calibrated: {error.message}; {wanted} goes by what holds for the model"
    borne = "supported" if found.least_fpir(gallery.face_count) <= fpir * (1 + 1e-6) else "not supported"
    threshold = found.threshold(fpir, gallery.face_count)
    return (
        found,
        f"calibrated on {found.identities:,} people; {wanted}: threshold {threshold:.3f}, {borne}",
    )


def clean(index_store: IndexStore, job: Job) -> None:
    """What one of the models made: the old one's after the switch, the new one's of a cancelled job.

    The model need not be there any more, which may be the very reason.
    """
    number, model = job.row.to_model_id, job.to_model
    if job.row.state == "cleaning":
        number, model = job.row.from_model_id, job.from_model
    while True:
        with index_store.database.transaction() as session:
            gone = reindexes.delete_embeddings(session, job.gallery.id, number, at_most=DELETED_AT_ONCE)
        if not gone:
            break
    SnapshotStore(index_store.root, job.gallery.id, model).remove()
