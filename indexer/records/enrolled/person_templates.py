"""Person templates: replaced when a person's faces change, and derived when they are read."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, Row, any_, bindparam, delete, func, select, text, true
from sqlalchemy.orm import Session

from indexer.errors import EmbeddingsMissing
from indexer.mean_template import MIN_FACES, mean_templates
from indexer.records.enrolled.face_rows import KEY_BEFORE_NEW, STORED_DTYPE
from indexer.records.tables import Embedding, Face, Identity, Model, PersonTemplate
from indexer.types import Keys, Owners, Vectors

_TEMPLATES_OF_A_QUERY = 2_000

_REPLACE = text(f"""
WITH several AS (
    SELECT identity.id, row_number() OVER (ORDER BY identity.id) AS place
    FROM identity JOIN gallery ON gallery.id = identity.gallery_id
    WHERE identity.gallery_id = CAST(:gallery_id AS uuid)
        AND identity.id = ANY(CAST(:identity_ids AS uuid[]))
        AND gallery.person_score = 'fused'
        AND (SELECT count(*) FROM (
            SELECT FROM face WHERE face.identity_id = identity.id LIMIT :min_faces
        ) AS first_faces) = :min_faces
), old AS (
    SELECT key, identity_id FROM person_template WHERE identity_id = ANY(CAST(:identity_ids AS uuid[]))
), removed AS (
    DELETE FROM person_template
    WHERE identity_id = ANY(CAST(:identity_ids AS uuid[])) AND identity_id NOT IN (SELECT id FROM several)
), drawn AS (
    UPDATE gallery
    SET last_face_key = {KEY_BEFORE_NEW} + (SELECT count(*) FROM several)
    WHERE id = CAST(:gallery_id AS uuid) AND EXISTS (SELECT FROM several)
    RETURNING last_face_key - (SELECT count(*) FROM several) AS before
), added AS (
    INSERT INTO person_template (gallery_id, key, identity_id)
    SELECT CAST(:gallery_id AS uuid), drawn.before + several.place, several.id FROM drawn CROSS JOIN several
    ON CONFLICT (identity_id) DO UPDATE SET key = excluded.key
    RETURNING key, identity_id
)
SELECT 0 AS is_new, key, identity_id FROM old UNION ALL SELECT 1, key, identity_id FROM added
ORDER BY is_new, key
""")  # noqa: S608
"""One statement, because the gallery is locked. Keys are drawn as in `face_rows`, after the faces' keys."""

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
_MEMBERS = (
    select(
        PersonTemplate.key,
        select(Identity.number)
        .where(Identity.id == PersonTemplate.identity_id, Identity.gallery_id == PersonTemplate.gallery_id)
        .scalar_subquery()
        .label("number"),
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
_NEXT_KEYS = (
    select(PersonTemplate.key)
    .where(PersonTemplate.gallery_id == bindparam("gallery_id"), PersonTemplate.key > bindparam("after"))
    .order_by(PersonTemplate.key)
    .limit(bindparam("limit"))
)

Batch = tuple[Keys, Vectors, Owners]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """Keys of templates, for the change log."""

    deleted: Sequence[int] = ()
    enrolled: Sequence[int] = ()


NOTHING = Replaced()


def replace(session: Session, gallery_id: UUID, identity_ids: Collection[UUID]) -> Replaced:
    """Gives each of the people whose faces have changed a template with a new key, or none.

    A person has one where the gallery's person score is `fused` and the person has two faces or more. Call
    it after the faces were added or deleted, in the same transaction; the caller holds the gallery's lock
    and appends the result to the log.
    """
    rows = _replace(session, gallery_id, identity_ids)
    return Replaced(
        deleted=[key for is_new, key, _ in rows if not is_new],
        enrolled=[key for is_new, key, _ in rows if is_new],
    )


def replace_by_identity(
    session: Session, gallery_id: UUID, identity_ids: Collection[UUID]
) -> dict[UUID, Replaced]:
    """As `replace`: what is replaced of each of the people."""
    old: dict[UUID, list[int]] = {}
    new: dict[UUID, list[int]] = {}
    for is_new, key, identity_id in _replace(session, gallery_id, identity_ids):
        (new if is_new else old).setdefault(identity_id, []).append(key)
    return {
        identity_id: Replaced(deleted=old.get(identity_id, ()), enrolled=new.get(identity_id, ()))
        for identity_id in identity_ids
    }


def _replace(
    session: Session, gallery_id: UUID, identity_ids: Collection[UUID]
) -> Sequence[Row[int, int, UUID]]:
    if not identity_ids:
        return []
    arguments = {
        "gallery_id": str(gallery_id),
        "identity_ids": [str(identity_id) for identity_id in identity_ids],
        "min_faces": MIN_FACES,
    }
    return session.execute(_REPLACE, arguments).all()


def remove(session: Session, identity_ids: Collection[UUID]) -> Replaced:
    """Deletes the templates of people; as for `replace`."""
    removed = session.scalars(
        delete(PersonTemplate)
        .where(PersonTemplate.identity_id.in_(identity_ids))
        .returning(PersonTemplate.key)
    )
    return Replaced(deleted=sorted(removed))


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


def count(session: Session, gallery_id: UUID) -> int:
    counted = select(func.count()).where(PersonTemplate.gallery_id == gallery_id)
    return session.scalar(counted) or 0


def people_with(session: Session, gallery_id: UUID, *, at_most: int) -> Sequence[UUID]:
    """Identities that have a template."""
    return session.scalars(
        select(PersonTemplate.identity_id).where(PersonTemplate.gallery_id == gallery_id).limit(at_most)
    ).all()


def people_without(
    session: Session, gallery_id: UUID, *, after: UUID | None = None, at_most: int
) -> Sequence[UUID]:
    """Identities with two faces or more and no template, after the id `after`, in the order of their ids."""
    last = select(Face.key).where(Face.identity_id == Identity.id).offset(MIN_FACES - 1).limit(1)
    query = (
        select(Identity.id)
        .outerjoin(PersonTemplate, PersonTemplate.identity_id == Identity.id)
        .where(Identity.gallery_id == gallery_id, PersonTemplate.key.is_(None), last.exists())
        .order_by(Identity.id)
        .limit(at_most)
    )
    if after is not None:
        query = query.where(Identity.id > after)
    return session.scalars(query).all()


def read(session: Session, gallery_id: UUID, keys: Sequence[int], fingerprint: str) -> Iterator[Batch]:
    """Those of the templates `keys` that still exist, by ascending key: keys (n,), vectors (n, dimension)
    and owners (n,). `keys` must ascend.

    Left out: people of whom the model could embed fewer than two faces. Raises EmbeddingsMissing if a face
    of these people has no embedding by the model.
    """
    for start in range(0, len(keys), _TEMPLATES_OF_A_QUERY):
        rows = _members(session, gallery_id, keys[start : start + _TEMPLATES_OF_A_QUERY], fingerprint)
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


def _members(session: Session, gallery_id: UUID, keys: Sequence[int], fingerprint: str) -> Sequence[Any]:
    arguments = {"gallery_id": gallery_id, "keys": list(keys), "fingerprint": fingerprint}
    return session.execute(_MEMBERS, arguments).all()


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
