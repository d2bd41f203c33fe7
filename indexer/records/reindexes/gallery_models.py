"""The models of galleries: which each has embeddings of, may be searched with, and was embedded by."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from indexer.errors import EmbeddingsReplaced
from indexer.records.reindexes.jobs import LIVE, SWITCHABLE
from indexer.records.tables import Gallery, Model, Reindex, ShardSet

_new = aliased(Model)
_HAS_SHARDS = (
    select(ShardSet.id)
    .join(_new, _new.fingerprint == ShardSet.model)
    .where(
        ShardSet.gallery_id == Reindex.gallery_id,
        ShardSet.state != "retired",
        _new.id == Reindex.to_model_id,
    )
    .correlate(Reindex)
    .exists()
)
_IS_SEARCHED: ColumnElement[bool] = Reindex.state.in_(SWITCHABLE) | (Reindex.state.in_(LIVE) & _HAS_SHARDS)
"""Of a job: the gallery may be switched at any moment, or has or is getting shards by the new model."""


def _models(condition: ColumnElement[bool]) -> Select[UUID, str, int]:
    """Selects the models of galleries, and those of their jobs for which the condition holds: the gallery's
    id, the model's fingerprint and id. Its parameter is `gallery_ids`."""
    return (
        select(Gallery.id, Model.fingerprint, Model.id)
        .select_from(Gallery)
        .outerjoin(Reindex, (Reindex.gallery_id == Gallery.id) & condition)
        .join(
            Model,
            or_(
                Model.id == Gallery.model_id,
                Model.id == Reindex.from_model_id,
                Model.id == Reindex.to_model_id,
            ),
        )
        .where(Gallery.id.in_(bindparam("gallery_ids", expanding=True)))
    )


_MODELS_IN_USE = _models(Reindex.state.in_(LIVE))
"""Built once, because every enrolment runs it."""
_MODELS_SEARCHED = _models(_IS_SEARCHED)


def models_in_use(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """The models that each gallery's faces must have embeddings of: model ids by fingerprint."""
    return _by_gallery(session, _MODELS_IN_USE, gallery_ids)


def models_searched(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """The models that each gallery may be searched with, or is getting shards by: ids by fingerprint."""
    return _by_gallery(session, _MODELS_SEARCHED, gallery_ids)


def embedded_by(session: Session, gallery_id: UUID, fingerprint: str) -> UUID | None:
    """The last job to a model, which made its embeddings; None if there was none."""
    return session.scalar(
        select(Reindex.id)
        .join(Model, Model.id == Reindex.to_model_id)
        .where(Reindex.gallery_id == gallery_id, Model.fingerprint == fingerprint)
        .order_by(Reindex.created_at.desc())
        .limit(1)
    )


def check_embedded_by(session: Session, gallery_id: UUID, fingerprint: str, job_id: UUID | None) -> None:
    """Raises EmbeddingsReplaced if another job than `job_id` made the model's embeddings."""
    last = embedded_by(session, gallery_id, fingerprint)
    if last != job_id:
        raise EmbeddingsReplaced(
            f"it has embeddings of {fingerprint} from before the re-index {last or 'was undone'}",
            model=fingerprint,
        )


def switchable_galleries(session: Session) -> Sequence[tuple[Gallery, int, str]]:
    """Galleries that may be switched at any moment, or are getting shards by another model: two rows each,
    with the id and fingerprint of a model."""
    rows = session.execute(
        select(Gallery, Model.id, Model.fingerprint)
        .select_from(Gallery)
        .join(Reindex, (Reindex.gallery_id == Gallery.id) & _IS_SEARCHED)
        .join(Model, or_(Model.id == Reindex.from_model_id, Model.id == Reindex.to_model_id))
    )
    return [(gallery, model_id, fingerprint) for gallery, model_id, fingerprint in rows]


def _by_gallery(
    session: Session, statement: Select[UUID, str, int], gallery_ids: Collection[UUID]
) -> dict[UUID, dict[str, int]]:
    rows = session.execute(statement, {"gallery_ids": list(gallery_ids)})
    found: dict[UUID, dict[str, int]] = {gallery_id: {} for gallery_id in gallery_ids}
    for gallery_id, fingerprint, model_id in rows:
        found[gallery_id][fingerprint] = model_id
    return found
