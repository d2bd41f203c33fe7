"""The embeddings of a gallery by one or several models: read, count, delete."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.orm import Session, aliased

from indexer.records.reindexes.crops import faces_of
from indexer.records.tables import Embedding, Face, Identity


def embeddings(
    session: Session, gallery_id: UUID, model_ids: Sequence[int], step: int
) -> Iterable[Sequence[tuple[int, UUID, Sequence[bytes | None]]]]:
    """Batches of at most `step` faces, by ascending key: key, identity, and the vector by each model or
    None."""
    columns = []
    statement = faces_of(gallery_id)
    for model_id in model_ids:
        made = aliased(Embedding)
        statement = statement.outerjoin(made, (made.face_key == Face.key) & (made.model_id == model_id))
        columns.append(made.vector)
    rows = session.execute(
        statement.with_only_columns(Face.key, Identity.id, *columns)
        .order_by(Face.key)
        .execution_options(yield_per=step)
    )
    for batch in rows.partitions():
        yield [(row[0], row[1], row[2:]) for row in batch]


def problems(
    session: Session, gallery_id: UUID, model_id: int, *, at_most: int
) -> list[tuple[UUID, UUID, str]]:
    """Faces that the model could not embed: face id, identity id and problem."""
    rows = session.execute(
        faces_of(gallery_id)
        .with_only_columns(Face.id, Identity.id, Embedding.problem)
        .join(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .where(Embedding.vector.is_(None))
        .order_by(Face.key)
        .limit(at_most)
    )
    return [(face, identity, problem or "") for face, identity, problem in rows]


def count_problems(session: Session, gallery_id: UUID, model_id: int) -> int:
    counted = (
        faces_of(gallery_id)
        .with_only_columns(func.count())
        .join(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .where(Embedding.vector.is_(None))
    )
    return session.scalar(counted) or 0


def delete_embeddings(session: Session, gallery_id: UUID, model_id: int, *, at_most: int) -> int:
    """Deletes up to `at_most` embeddings by a model. Returns how many."""
    some = (
        faces_of(gallery_id)
        .with_only_columns(Face.key)
        .join(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .limit(at_most)
    )
    gone = session.execute(
        delete(Embedding)
        .where(Embedding.model_id == model_id, Embedding.face_key.in_(some))
        .returning(Embedding.face_key)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
