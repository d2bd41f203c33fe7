"""The models that have made embeddings here, by number."""

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
    """The number of a model, given to it when it is first seen. `name` and `mirror` open it elsewhere."""
    session.execute(
        insert(Model)
        .values(fingerprint=fingerprint, dimension=dimension, name=name, mirror=mirror)
        .on_conflict_do_nothing(index_elements=[Model.fingerprint])
    )
    model = session.scalars(select(Model).where(Model.fingerprint == fingerprint)).one()
    if name is not None and (model.name, model.mirror) != (name, mirror):  # its file lies elsewhere now
        model.name, model.mirror = name, mirror
        session.flush()
    return model.id


def find(session: Session, fingerprint: str) -> int | None:
    """None where the model has made no embeddings here."""
    return session.scalar(select(Model.id).where(Model.fingerprint == fingerprint))


def get(session: Session, number: int) -> Model:
    return session.get_one(Model, number)


def list_all(session: Session) -> dict[int, Model]:
    """By number."""
    return {model.id: model for model in session.scalars(select(Model))}
