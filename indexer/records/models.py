"""Models that made embeddings in this database, by number."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.tables import Model


def register(
    session: Session,
    fingerprint: str,
    dimension: int,
    *,
    name: str | None = None,
    mirror: bool | None = None,
) -> int:
    """The number of a model; a new model gets one. With `name` and `mirror` other processes can open it."""
    session.execute(
        insert(Model)
        .values(fingerprint=fingerprint, dimension=dimension, name=name, mirror=mirror)
        .on_conflict_do_nothing(index_elements=[Model.fingerprint])
    )
    model = session.scalars(select(Model).where(Model.fingerprint == fingerprint)).one()
    if name is not None and (model.name, model.mirror) != (name, mirror):  # its file has moved
        model.name, model.mirror = name, mirror
        session.flush()
    return model.id


def find(session: Session, fingerprint: str) -> int | None:
    """The number of a model; None if it made no embeddings in this database."""
    return session.scalar(select(Model.id).where(Model.fingerprint == fingerprint))


def get(session: Session, number: int) -> Model:
    return session.get_one(Model, number)


def list_all(session: Session) -> dict[int, Model]:
    """By number."""
    return {model.id: model for model in session.scalars(select(Model))}
