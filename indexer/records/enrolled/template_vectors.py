"""The vectors of person templates, derived from the people's faces when they are read, for any model."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select, true
from sqlalchemy.orm import Session

from indexer.errors import EmbeddingsMissing
from indexer.mean_template import mean_templates
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.enrolled.parts.condition import in_part, part_arguments
from indexer.records.tables import Embedding, Face, Identity, Model, PersonTemplate
from indexer.types import Keys, Owners, Part, Vectors

_TEMPLATES_OF_A_QUERY = 2_000
_MODEL = select(Model.id).where(Model.fingerprint == bindparam("fingerprint")).scalar_subquery()
_EMBEDDING = (Embedding.face_key == Face.key) & (Embedding.model_id == _MODEL)
_FACE = (
    select(
        Face.key,
        select(Embedding.face_key).where(_EMBEDDING).correlate(Face).scalar_subquery().label("embedded"),
        select(Embedding.vector).where(_EMBEDDING).correlate(Face).scalar_subquery().label("vector"),
    )
    .where(Face.identity_id == PersonTemplate.identity_id)
    .offset(0)  # an optimisation fence
    .lateral("face_of_person")
)
_NUMBER = (
    select(Identity.number)
    .where(Identity.id == PersonTemplate.identity_id, Identity.gallery_id == PersonTemplate.gallery_id)
    .scalar_subquery()
)
_MEMBERS = (
    select(
        PersonTemplate.key,
        _NUMBER.label("number"),
        _FACE.c.embedded,
        _FACE.c.vector,
    )
    .join(_FACE, true())
    .where(
        PersonTemplate.gallery_id == bindparam("gallery_id"),
        PersonTemplate.key == any_(bindparam("keys", type_=ARRAY(BigInteger))),
    )
    .order_by(PersonTemplate.key, _FACE.c.key)
)
"""Without joins whose order PostgreSQL chooses, as in `faces_by_key`."""
_MEMBERS_OF_PART = _MEMBERS.where(in_part(_NUMBER))
_NEXT_KEYS = (
    select(PersonTemplate.key)
    .where(PersonTemplate.gallery_id == bindparam("gallery_id"), PersonTemplate.key > bindparam("after"))
    .order_by(PersonTemplate.key)
    .limit(bindparam("limit"))
)

Batch = tuple[Keys, Vectors, Owners]


def of_identity(
    session: Session, gallery_id: UUID, identity_id: UUID, fingerprint: str
) -> NDArray[np.float32] | None:
    """The template's vector, (dimension,); None where the identity has none. Raises EmbeddingsMissing."""
    key = session.scalar(select(PersonTemplate.key).where(PersonTemplate.identity_id == identity_id))
    if key is None:
        return None
    for _, vectors, _ in read(session, gallery_id, [key], fingerprint):
        return np.asarray(vectors[0])
    return None


def read(
    session: Session, gallery_id: UUID, keys: Sequence[int], fingerprint: str, part: Part | None = None
) -> Iterator[Batch]:
    """Those of the templates `keys` that still exist, by ascending key: keys (n,), vectors (n, dimension)
    and owners (n,). `keys` must ascend. `part`: only templates of this part of the gallery.

    Left out: people of whom the model could embed fewer than two faces. Raises EmbeddingsMissing if a face
    of these people has no embedding by the model.
    """
    for start in range(0, len(keys), _TEMPLATES_OF_A_QUERY):
        rows = _members(session, gallery_id, keys[start : start + _TEMPLATES_OF_A_QUERY], fingerprint, part)
        missing = sum(row.embedded is None for row in rows)
        if missing:
            raise EmbeddingsMissing(
                f"{missing} faces of people with several faces have no embedding by {fingerprint}",
                faces=missing,
                model=fingerprint,
            )
        yield from _means(rows)


def read_all(session: Session, gallery_id: UUID, fingerprint: str) -> Iterator[Batch]:
    """All templates of a gallery, as `read` gives them. Call it within `Database.repeatable_read`.

    The caller checks that no face lacks an embedding.
    """
    arguments: dict[str, Any] = {"gallery_id": gallery_id, "after": -1, "limit": _TEMPLATES_OF_A_QUERY}
    while keys := session.scalars(_NEXT_KEYS, arguments).all():
        yield from _means(_members(session, gallery_id, keys, fingerprint))
        arguments["after"] = keys[-1]


def read_embedded(
    session: Session, gallery_id: UUID, keys: Sequence[int], fingerprint: str
) -> Iterator[Batch]:
    """As `read`; the caller checks that no face lacks an embedding."""
    for start in range(0, len(keys), _TEMPLATES_OF_A_QUERY):
        portion = keys[start : start + _TEMPLATES_OF_A_QUERY]
        yield from _means(_members(session, gallery_id, portion, fingerprint))


def _members(
    session: Session, gallery_id: UUID, keys: Sequence[int], fingerprint: str, part: Part | None = None
) -> Sequence[Any]:
    arguments = {"gallery_id": gallery_id, "keys": list(keys), "fingerprint": fingerprint}
    if part is None:
        return session.execute(_MEMBERS, arguments).all()
    return session.execute(_MEMBERS_OF_PART, arguments | part_arguments(part)).all()


def _means(rows: Sequence[Any]) -> Iterator[Batch]:
    """`rows`: person by person, the faces by ascending key."""
    embedded = [row for row in rows if row.vector is not None]
    if not embedded:
        return
    vectors = np.frombuffer(b"".join(row.vector for row in embedded), STORED_DTYPE)
    keys, starts = np.unique(np.array([row.key for row in embedded], np.int64), return_index=True)
    owners = np.array([embedded[start].number for start in starts], np.int64)
    templates, have = mean_templates(vectors.reshape(len(embedded), -1), starts)
    if have.any():
        yield keys[have], templates[have], -owners[have]
