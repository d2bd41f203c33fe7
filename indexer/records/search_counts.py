"""Counted searches of a gallery: sums that all serving processes add to, one row for each day.

`indexer.calibration.check` counts and judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Date, Text, cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.tables import Gallery, SearchCount

GROUPS = 64
"""Searches are counted in groups, by the most similar person. The searches of one person are not independent:
a face that is seen a hundred times finds the same second person a hundred times. They are all in one group,
so the spread between groups shows how much chance there is in the sum."""
WINDOW = timedelta(days=28)
ENOUGH = 10_000
"""As many of the last days are added up as have so many searches, at most WINDOW."""
_ARRAYS = ("matched_searches", "matched_reached", "unmatched_searches", "unmatched_reached")
_TODAY = cast(func.timezone("utc", func.now()), Date)

Groups = NDArray[np.int64]
"""Shape (GROUPS,)."""


def _no_searches() -> Groups:
    return np.zeros(GROUPS, np.int64)


@dataclass(slots=True, kw_only=True, eq=False)
class SearchCounts:
    """Of one gallery, with one calibration. Only faces whose scores decide: none below a match limit, none
    with the caller's own threshold."""

    searches: int = 0
    matched: int = 0
    expected_false_alarms: float = 0.0
    """If all searches were for strangers: the sum of the estimated FPIRs."""
    duplicates: int = 0
    """Matched searches whose second person scores as high as the same person: perhaps enrolled twice."""
    matched_searches: Groups = field(default_factory=_no_searches)
    """Without `duplicates`."""
    matched_reached: Groups = field(default_factory=_no_searches)
    """Of these, those whose second person reaches the score of the check's level."""
    matched_limit: float = 0.0
    """How many of these the calibration promises at most: the sum of the upper ends of its intervals."""
    unmatched_searches: Groups = field(default_factory=_no_searches)
    unmatched_reached: Groups = field(default_factory=_no_searches)
    """Those whose best person reaches the score of the check's level."""
    unmatched_limit: float = 0.0

    def add(self, other: "SearchCounts") -> None:
        for column in fields(self):
            setattr(self, column.name, getattr(self, column.name) + getattr(other, column.name))


_COLUMNS = [column.name for column in fields(SearchCounts)]


def add(session: Session, gallery_id: UUID, basis: str, counts: SearchCounts) -> SearchCounts:
    """Adds to today's row, under its lock, and returns what `recent` does. Stores nothing if the gallery was
    deleted meanwhile."""
    known = select(Gallery.id).where(Gallery.id == gallery_id).with_for_update(key_share=True, read=True)
    if session.scalar(known) is not None:
        day = session.scalar(select(_TODAY))
        place = {"gallery_id": gallery_id, "basis": basis, "day": day}
        session.execute(insert(SearchCount).values(place | _values(SearchCounts())).on_conflict_do_nothing())
        row = session.get_one(SearchCount, (gallery_id, basis, day), with_for_update=True)
        total = _counts(row)
        total.add(counts)
        for name, value in _values(total).items():
            setattr(row, name, value)
        session.flush()
    return recent(session, gallery_id, basis)


def recent(session: Session, gallery_id: UUID, basis: str) -> SearchCounts:
    """Of the last days, as many as have ENOUGH searches."""
    rows = session.scalars(
        select(SearchCount)
        .where(SearchCount.gallery_id == gallery_id, SearchCount.basis == basis)
        .where(SearchCount.day > _TODAY - WINDOW)
        .order_by(SearchCount.day.desc())
    )
    return _newest(rows.all())


def of_every_gallery(session: Session) -> dict[str, SearchCounts]:
    """By name, as `recent`, with the active calibration. Galleries without counted searches are missing."""
    active = func.coalesce(cast(Gallery.calibration_id, Text), Gallery.model_fingerprint)
    rows = session.execute(
        select(Gallery.name, SearchCount)
        .join(SearchCount, SearchCount.gallery_id == Gallery.id)
        .where(SearchCount.basis == active, SearchCount.day > _TODAY - WINDOW)
        .order_by(Gallery.name, SearchCount.day.desc())
    )
    by_name = groupby(rows, key=lambda row: row[0])
    return {name: _newest([row for _, row in days]) for name, days in by_name}


def basis_of(gallery: Gallery) -> str:
    """What the gallery's promise comes from: counts start again where it changes."""
    return str(gallery.calibration_id or gallery.model_fingerprint)


def prune(session: Session) -> None:
    """Deletes rows older than WINDOW."""
    session.execute(delete(SearchCount).where(SearchCount.day <= _TODAY - WINDOW))


def _newest(rows: Sequence[SearchCount]) -> SearchCounts:
    total = SearchCounts()
    for row in rows:
        total.add(_counts(row))
        if total.searches >= ENOUGH:
            break
    return total


def _counts(row: SearchCount) -> SearchCounts:
    values: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS}
    return SearchCounts(**values | {name: np.array(values[name], np.int64) for name in _ARRAYS})


def _values(counts: SearchCounts) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(counts, name) for name in _COLUMNS}
    return values | {name: values[name].tolist() for name in _ARRAYS}
