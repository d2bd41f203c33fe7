"""Faces that no chunk has covered: enrolled meanwhile, by a process without one of the two models, say."""

from concurrent.futures import Executor

from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex import embed
from indexer.reindex.switch import CHUNK
from indexer.replica.store import IndexStore


def queue(database: Database, job: Job) -> bool:
    """Cuts chunks of those that lack the new model's embedding; where there are none, building is due.

    Whether anything has changed.
    """
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


def embed_for_rollback(
    index_store: IndexStore, factory: PipelineFactory, decoders: Executor, job: Job
) -> bool:
    """Embeds those that were enrolled since the switch and lack the old model's embedding.

    They are few, and have no chunk: two workers at once do the same twice, to one effect. Whether there
    were any. Raises Misconfigured, and what the network does.
    """
    database, model, after = index_store.database, job.row.from_model_id, int(job.row.plan["last_key"])
    with database.reading() as session:
        crops = reindexes.crops_to_embed(session, job.gallery.id, model, after=after, at_most=CHUNK)
    if not crops:
        return False
    pipeline = factory.pipeline(index_store.models.by_number(model))
    vectors, problems = embed.embed(decoders, crops, pipeline)
    with database.transaction() as session:
        return reindexes.record_embeddings(session, model, vectors, problems) > 0 or bool(problems)
