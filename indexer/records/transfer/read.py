"""Reads a gallery for an export, within one `Database.repeatable_read`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select
from sqlalchemy.orm import Session

from indexer.records.tables import Calibration, DistinctPeople, Embedding, Face, Identity
from indexer.types import Keys

_KEYS_AT_ONCE = 50_000
_FACES = (
    select(
        Face.key,
        Face.id,
        Face.identity_id,
        Face.box,
        Face.landmarks,
        Face.confidence,
        Face.quality,
        Face.quality_components,
        Face.image_sha256,
        Face.crop,
        Face.crop_landmarks,
        Face.created_at,
        Embedding.vector,
        Embedding.problem,
    )
    .join(Embedding, Embedding.face_key == Face.key)
    .where(
        Face.key == any_(bindparam("keys", type_=ARRAY(BigInteger))),
        Embedding.model_id == bindparam("model_id"),
    )
    .order_by(Face.key)
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceKeys:
    """All faces of a gallery, keys ascending."""

    keys: Keys
    with_crop: NDArray[np.bool_]
    """Shape (n,)."""
    embedded: NDArray[np.bool_]
    """Shape (n,): whether there is an embedding by the model, or the reason why there is none."""


def face_keys(session: Session, gallery_id: UUID, model_id: int | None) -> FaceKeys:
    rows = session.execute(
        select(Face.key, Face.crop.is_not(None), Embedding.face_key.is_not(None))
        .join(Identity, Identity.id == Face.identity_id)
        .outerjoin(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .where(Identity.gallery_id == gallery_id)
        .order_by(Face.key)
        .execution_options(yield_per=_KEYS_AT_ONCE)
    )
    parts = [np.array([tuple(row) for row in part], np.int64).reshape(-1, 3) for part in rows.partitions()]
    every = np.concatenate([np.empty((0, 3), np.int64), *parts])
    return FaceKeys(
        keys=np.ascontiguousarray(every[:, 0]),
        with_crop=every[:, 1].astype(bool),
        embedded=every[:, 2].astype(bool),
    )


def faces(session: Session, keys: Keys, model_id: int) -> Sequence[Any]:
    """Keys ascending."""
    return session.execute(_FACES, {"keys": keys.tolist(), "model_id": model_id}).all()


def identities(session: Session, gallery_id: UUID, at_once: int) -> Iterator[Sequence[Identity]]:
    """In portions, by ascending id."""
    after: UUID | None = None
    while True:
        query = select(Identity).where(Identity.gallery_id == gallery_id)
        if after is not None:
            query = query.where(Identity.id > after)
        found = session.scalars(query.order_by(Identity.id).limit(at_once)).all()
        if not found:
            return
        yield found
        after = found[-1].id
        session.expunge_all()


def distinct_people(session: Session, gallery_id: UUID) -> Sequence[DistinctPeople]:
    return session.scalars(
        select(DistinctPeople)
        .where(DistinctPeople.gallery_id == gallery_id)
        .order_by(DistinctPeople.lower_id, DistinctPeople.higher_id)
    ).all()


def calibrations(session: Session, gallery_id: UUID, model_id: int | None) -> Sequence[Calibration]:
    """The newest of the gallery with the model, for each way to score a person."""
    return session.scalars(
        select(Calibration)
        .where(Calibration.gallery_id == gallery_id, Calibration.model_id == model_id)
        .distinct(Calibration.person_score)
        .order_by(Calibration.person_score, Calibration.created_at.desc())
    ).all()
