"""Lists of identities: which of a gallery, in which order, page by page, and how many."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from indexer.errors import InvalidRequest
from indexer.records.enrolled.words import name_search, search_words
from indexer.records.tables import Face, Identity
from indexer.records.text import checked_id, checked_text


class Order(StrEnum):
    OLDEST = "oldest"
    NEWEST = "newest"
    FACES = "faces"
    """Those with the most faces first; of as many, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Of people in a gallery. Each field narrows it; None: not by this field."""

    external_id: str | None = None
    name: str | None = None
    """An identity matches if each word of it begins a word of its own name, in any case and order."""
    q: str | None = None
    """As `search_words.query` reads it, or the id of an identity."""
    anonymous: bool | None = None
    hidden: bool | None = None
    min_faces: int = 0


ALL = Search()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The last identity of a page, after which the next page begins."""

    id: UUID
    faces: int = 0
    """How many it has; needed for the order `faces`."""


def page(
    session: Session,
    gallery_id: UUID,
    *,
    after: Place | None,
    limit: int,
    search: Search = ALL,
    order: Order = Order.OLDEST,
    offset: int = 0,
) -> Sequence[Identity]:
    """At most `limit` identities after the place `after`, without the first `offset`.

    Raises InvalidRequest if `search` has no word.
    """
    if order is Order.FACES:
        return _largest(session, gallery_id, after=after, limit=limit, search=search, offset=offset)
    newest_first = order is Order.NEWEST
    ids = _matching(gallery_id, search)
    if after is not None:
        ids = ids.where(Identity.id < after.id if newest_first else Identity.id > after.id)
    by = Identity.id.desc() if newest_first else Identity.id
    ids = ids.order_by(by).limit(limit)
    if offset:  # reads the index only, and the rows of the page
        ids = ids.offset(offset)
    return session.scalars(
        select(Identity).where(Identity.id.in_(ids.subquery().select())).order_by(by)
    ).all()


def count(session: Session, gallery_id: UUID, search: Search = ALL) -> int:
    """How many identities `page` finds in all."""
    matching = _matching(gallery_id, search)
    if search.min_faces > 0:
        return session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    return session.scalar(matching.with_only_columns(func.count())) or 0


def _largest(
    session: Session, gallery_id: UUID, *, after: Place | None, limit: int, search: Search, offset: int
) -> Sequence[Identity]:
    """The faces of all matching identities are counted, from an index."""
    faces = func.count(Face.key)
    counted = _matching(gallery_id, search)
    if not search.min_faces:
        counted = counted.outerjoin(Face, Face.identity_id == Identity.id).group_by(Identity.id)
    if after is not None:
        further = and_(faces == after.faces, Identity.id > after.id)
        counted = counted.having(or_(faces < after.faces, further))
    largest = counted.order_by(faces.desc(), Identity.id).limit(limit).offset(offset)
    ids = session.scalars(largest).all()
    rows = {one.id: one for one in session.scalars(select(Identity).where(Identity.id.in_(ids)))}
    return [rows[one] for one in ids if one in rows]


def _matching(gallery_id: UUID, search: Search) -> Any:
    query = select(Identity.id).where(Identity.gallery_id == gallery_id)
    if search.external_id is not None:
        query = query.where(Identity.external_id == checked_id(search.external_id, "external_id"))
    if search.name is not None:
        words = name_search.query(checked_text(search.name, "name") or "")
        if words is None:
            raise InvalidRequest("name has no word to search for", field="name")
        query = query.where(Identity.name_words.bool_op("@@")(cast(words, TSQUERY)))
    if search.q is not None:
        words = search_words.query(checked_text(search.q, "q") or "")
        if words is None:
            raise InvalidRequest("q has no word to search for", field="q")
        matches: ColumnElement[bool] = Identity.search_words.bool_op("@@")(cast(words, TSQUERY))
        with suppress(ValueError):  # it may be an external id all the same
            matches = or_(matches, Identity.id == UUID(search.q.strip()))
        query = query.where(matches)
    if search.anonymous is not None:
        query = query.where(Identity.anonymous if search.anonymous else ~Identity.anonymous)
    if search.hidden is not None:
        query = query.where(Identity.hidden if search.hidden else ~Identity.hidden)
    if search.min_faces > 0:
        query = query.join(Face, Face.identity_id == Identity.id).group_by(Identity.id)
        query = query.having(func.count(Face.key) >= search.min_faces)
    return query
