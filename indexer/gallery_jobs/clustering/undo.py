"""Undoes what a clustering has joined, the newest join first, and leaves what people have changed since.

Each transaction undoes some joins and marks them, so that whoever takes over an interrupted undo goes on with
the others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from indexer.gallery_jobs.clustering import join
from indexer.gallery_jobs.run import Run
from indexer.records import galleries
from indexer.records.clusterings import undoing
from indexer.records.clusterings.undoing import JoinMade, LaterChange, OwnedFace
from indexer.records.database.session import Session
from indexer.records.enrolled import identities
from indexer.records.people import moved_faces
from indexer.records.people.person_changes import Before
from indexer.records.tables import Gallery, Identity
from indexer.usecases.people.regrouping import log_moved
from indexer.usecases.people.undo import merged_row, record_undo, restore_sighting, undo_within

UNDOING = "undoing"
UNDONE = "undone"


class Kept(StrEnum):
    """Why a join stays. The names of figures."""

    NAMED = "kept_named"
    """Somebody has named the identity since."""
    MERGED = "kept_merged"
    """The identity is a part of another now, or somebody has merged another into it."""
    SPLIT = "kept_split"
    """Somebody has split or moved faces from or to it."""
    DELETED = "kept_deleted"
    """No face of the identity that was joined is left in it."""


@dataclass(slots=True, kw_only=True)
class UndoRun(Run):
    def work(self) -> Any:
        """Raises LeaseLost, GalleryNotFound, Busy."""
        undone = self.job.figures.get(UNDONE, 0)
        self.figures = {**self.job.figures, UNDONE: undone, **dict.fromkeys(Kept, 0)}
        self.note(UNDOING)
        last: UUID | None = None
        while True:
            with self.database.reading() as session:
                ids = undoing.newest_first(session, self.job.id, older_than=last, at_most=join.PAIRS)
            if not ids:
                return
            self.write(UNDOING, partial(_undo, self.job.gallery_id, ids))
            last = ids[-1]


def _undo(gallery_id: UUID, change_ids: Sequence[UUID], session: Session) -> Mapping[str, int]:
    """How many are undone, and how many stay, by the reason."""
    gallery = galleries.lock(session, gallery_id)
    made = undoing.joins(session, change_ids)
    figures: Counter[str] = Counter()
    while made:
        part = _independent(made)
        figures.update(_undo_part(session, gallery, part))
        made = made[len(part) :]
    return figures


def _independent(made: Sequence[JoinMade]) -> Sequence[JoinMade]:
    """Up to the first that was made to an identity which one of them restores."""
    restored: set[UUID] = set()
    for place, one in enumerate(made):
        if one.change.identity_id in restored:
            return made[:place]
        restored.add(one.change.other_id)
    return made


def _undo_part(session: Session, gallery: Gallery, made: Sequence[JoinMade]) -> Counter[str]:
    ids = {one.change.identity_id for one in made}
    remaining = {row.id: row for row in identities.by_ids(session, gallery.id, ids)}
    by_people = undoing.last_by_people(session, ids)
    faces = undoing.faces(session, {face for one in made for face in one.before.faces})
    figures: Counter[str] = Counter()
    quick: list[JoinMade] = []
    slow: list[JoinMade] = []
    for one in made:
        identity = remaining.get(one.change.identity_id)
        reason = _reason(one, identity, by_people.get(one.change.identity_id), faces)
        figures[reason or UNDONE] += 1
        if reason is None:
            (slow if _has_more(one.before) else quick).append(one)
    if quick:
        _undo_many(session, gallery, quick, remaining, faces)
    for one in slow:
        undo_within(session, gallery, one.change.id)
    return figures


def _reason(
    made: JoinMade, identity: Identity | None, by_people: LaterChange | None, faces: Mapping[UUID, OwnedFace]
) -> Kept | None:
    """Why it stays, if it does. `identity`: the one that remained; `by_people`: its last change by people."""
    if identity is None:
        return Kept.MERGED
    if made.before.anonymous and not identity.anonymous:
        return Kept.NAMED
    if by_people is not None and by_people.id > made.change.id:
        return Kept.MERGED if by_people.is_merge else Kept.SPLIT
    return None if _left(made, faces) else Kept.DELETED


def _left(made: JoinMade, faces: Mapping[UUID, OwnedFace]) -> list[OwnedFace]:
    """The faces that return."""
    found = (faces.get(face) for face in made.before.faces)
    return [face for face in found if face is not None and face.identity_id == made.change.identity_id]


def _has_more(before: Before) -> bool:
    """Whether more than faces and a row has to return, as after the merge of somebody with a review."""
    pairs = before.pairs
    return bool(before.dropped or before.taken or pairs.reviews or pairs.distinct or pairs.added)


def _undo_many(
    session: Session,
    gallery: Gallery,
    made: Sequence[JoinMade],
    remaining: Mapping[UUID, Identity],
    faces: Mapping[UUID, OwnedFace],
) -> None:
    """By a few statements, what `undo_within` does for each."""
    undoing.mark_undone(session, [one.change for one in made])
    visitors = undoing.once_visitors(session, {one.change.identity_id for one in made})
    restored: list[Identity] = []
    created_at: list[datetime] = []
    moved: list[tuple[int, UUID]] = []
    for one in made:
        change, before = one.change, one.before
        assert before.merged is not None
        if change.identity_id in visitors:
            restore_sighting(session, change, before, remaining[change.identity_id])
        restored.append(merged_row(gallery, change.other_id, before.merged))
        created_at.append(before.merged.created_at)
        returned = _left(one, faces)
        moved += [(face.key, change.other_id) for face in returned]
        record_undo(
            session, gallery, change, faces=len(returned), faces_left=len(before.faces) - len(returned)
        )
    session.flush()
    identities.restore(session, restored, created_at)
    enrolled = moved_faces.reassign(
        session, gallery.id, [key for key, _ in moved], [to_id for _, to_id in moved]
    )
    log_moved(
        session,
        gallery.id,
        deleted=sorted(key for key, _ in moved),
        enrolled=enrolled,
        regrouped={either for one in made for either in (one.change.identity_id, one.change.other_id)},
    )
