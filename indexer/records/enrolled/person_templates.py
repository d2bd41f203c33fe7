"""Person templates: replaced when a person's faces change. `template_vectors` reads them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.orm import Session

from indexer.mean_template import MIN_FACES
from indexer.records.enrolled.face_rows import KEY_BEFORE_NEW
from indexer.records.tables import Face, Identity, PersonTemplate

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
