"""The stored crops of enrolled faces, and which faces lack an embedding by a model."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from indexer.records.tables import Embedding, Face, Gallery, Identity, Reindex, ReindexChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCrop:
    """Of an enrolled face: what another model embeds."""

    key: int
    jpeg: bytes | None
    landmarks: Sequence[float] | None
    """x and y of the five landmarks, in pixels of the crop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePicture:
    """An enrolled face, to be shown to a person."""

    identity_id: UUID
    jpeg: bytes | None
    name: str | None
    """The external id if there is no name."""


def last_key(session: Session, gallery_id: UUID) -> int:
    """The highest face key; 0 if there is no face."""
    return session.scalar(faces_of(gallery_id).with_only_columns(func.max(Face.key))) or 0


def count_missing(session: Session, gallery_id: UUID, model_id: int, *, after: int = 0) -> int:
    """How many faces with a key above `after` have neither an embedding by the model nor a recorded
    problem."""
    without = without_embedding(gallery_id, model_id, after)
    return session.scalar(select(func.count()).select_from(without.subquery())) or 0


def face_counts(session: Session, gallery_id: UUID) -> tuple[int, int]:
    """The face count in the gallery's row, and the number of faces, at one moment. They differ only if rows
    were deleted in SQL."""
    there = faces_of(gallery_id).with_only_columns(func.count()).scalar_subquery()
    counted, enrolled = session.execute(
        select(Gallery.face_count, there).where(Gallery.id == gallery_id)
    ).one()
    return int(counted), int(enrolled)


def count_people(session: Session, gallery_id: UUID) -> tuple[int, int]:
    """How many people have a face, and how many of them have several."""
    faces = (
        faces_of(gallery_id)
        .with_only_columns(func.count().label("faces"))
        .group_by(Face.identity_id)
        .subquery()
    )
    counted = select(func.count(), func.count().filter(faces.c.faces > 1)).select_from(faces)
    every, several = session.execute(counted).one()
    return int(every), int(several)


def count_without_crop(session: Session, gallery_id: UUID) -> int:
    """How many faces have no stored crop, so that no other model can embed them."""
    counted = faces_of(gallery_id).with_only_columns(func.count()).where(Face.crop.is_(None))
    return session.scalar(counted) or 0


def crops_of_chunk(session: Session, job: Reindex, chunk: ReindexChunk) -> list[StoredCrop]:
    """Of those faces in the chunk that have no embedding yet, in order of their keys."""
    without = without_embedding(job.gallery_id, job.to_model_id, chunk.first_key - 1)
    rows = session.execute(
        without.with_only_columns(Face.key, Face.crop, Face.crop_landmarks)
        .where(Face.key <= chunk.last_key)
        .order_by(Face.key)
    )
    return [StoredCrop(key=key, jpeg=jpeg, landmarks=landmarks) for key, jpeg, landmarks in rows]


def crops_to_embed(
    session: Session, gallery_id: UUID, model_id: int, *, after: int, at_most: int
) -> list[StoredCrop]:
    """Of faces with a key above `after` that have neither an embedding by the model nor a recorded
    problem."""
    rows = session.execute(
        without_embedding(gallery_id, model_id, after)
        .with_only_columns(Face.key, Face.crop, Face.crop_landmarks)
        .order_by(Face.key)
        .limit(at_most)
    )
    return [StoredCrop(key=key, jpeg=jpeg, landmarks=landmarks) for key, jpeg, landmarks in rows]


def sample_crops(session: Session, gallery_id: UUID, count: int) -> list[StoredCrop]:
    rows = session.execute(
        faces_of(gallery_id)
        .with_only_columns(Face.key, Face.crop, Face.crop_landmarks)
        .where(Face.crop.is_not(None))
        .limit(count)
    )
    return [StoredCrop(key=key, jpeg=jpeg, landmarks=landmarks) for key, jpeg, landmarks in rows]


def face_pictures(session: Session, keys: Collection[int]) -> dict[int, FacePicture]:
    """By key; without those that were deleted meanwhile."""
    rows = session.execute(
        select(Face.key, Identity.id, Face.crop, Identity.name, Identity.external_id)
        .join(Identity, Identity.id == Face.identity_id)
        .where(Face.key.in_(keys))
    )
    return {
        key: FacePicture(identity_id=identity_id, jpeg=jpeg, name=name or external_id)
        for key, identity_id, jpeg, name, external_id in rows
    }


def faces_of(gallery_id: UUID) -> Any:
    return (
        select(Face).join(Identity, Identity.id == Face.identity_id).where(Identity.gallery_id == gallery_id)
    )


def without_embedding(gallery_id: UUID, model_id: int, after: int) -> Any:
    """Selects faces with a key above `after` that have neither an embedding by the model nor a problem."""
    there = select(text("1")).where(Embedding.face_key == Face.key, Embedding.model_id == model_id).exists()
    return faces_of(gallery_id).with_only_columns(Face.key).where(Face.key > after, ~there)
