"""Faces that no chunk covers: a process without one of the two models enrolled them during the job."""

from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex.control import CHUNK
from indexer.reindex.embed import Threads, embed_crops
from indexer.replica.store import IndexStore


def queue(database: Database, job: Job) -> bool:
    """Creates chunks for faces without the new model's embedding. If there are none, the job moves on from
    embedding to building. Returns whether anything changed."""
    with database.transaction() as session:
        row = reindexes.lock(session, job.row.id)
        if row.state != job.row.state or reindexes.count_unfinished_chunks(session, row.id):
            return False
        after = 0 if row.state == "embedding" else int(row.plan["last_key"])
        if reindexes.create_chunks(session, row, CHUNK, after=after):
            return True
        if row.state != "embedding":
            return False
        row.state = "building"
        reindexes.add_event(session, row.id, "all faces are embedded")
        return True


def embed_for_rollback(index_store: IndexStore, factory: PipelineFactory, threads: Threads, job: Job) -> bool:
    """Embeds with the old model the faces that were enrolled since the switch without it.

    They are few, so they have no chunks. Two workers may embed the same face; the result is the same.
    Returns whether there were any. Raises Misconfigured, and what the network raises.
    """
    database, model, after = index_store.database, job.row.from_model_id, int(job.row.plan["last_key"])
    with database.reading() as session:
        crops = reindexes.crops_to_embed(session, job.gallery.id, model, after=after, at_most=CHUNK)
    if not crops:
        return False
    pipeline = factory.pipeline(index_store.models.by_number(model))
    embedded = embed_crops(threads, crops, pipeline)
    with database.transaction() as session:
        recorded = reindexes.record_embeddings(session, model, embedded.vectors, embedded.problems)
    return recorded > 0 or bool(embedded.problems)
