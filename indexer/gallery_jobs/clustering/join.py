"""Writes what a clustering found: joins identities, some at a time, and adds reviews.

Each function is called in a transaction of its own. It holds the gallery's lock for a moment, and checks
everything again: an identity that was deleted, named, merged or has got other faces since the clustering read
it is left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import uuid_utils.compat

from indexer.errors import IdentityMerged, IdentityNotFound, PeopleDistinct
from indexer.records import galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.clusterings import joining
from indexer.records.clusterings.joining import Join, Single
from indexer.records.database.session import Session
from indexer.records.enrolled import identities
from indexer.records.people import moved_faces, reviews
from indexer.records.people.reviews import ReviewKind
from indexer.records.tables import Gallery
from indexer.usecases.people.merge import later, merge_within
from indexer.usecases.people.regrouping import log_moved

PAIRS = 300
"""Identities that are joined in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    into: UUID
    joined: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """Of an anonymous identity to somebody with a name."""

    identity_id: UUID
    named: UUID
    score: float


def join(
    session: Session, gallery_id: UUID, clustering_id: UUID, pairs: Sequence[Pair], *, named: bool = False
) -> int:
    """Joins the second of each pair to the first; returns how many were. `named`: the first have names.

    Raises GalleryNotFound, Busy.
    """
    gallery = galleries.lock(session, gallery_id)
    intos = joining.targets(session, gallery.id, {pair.into for pair in pairs}, anonymous=not named)
    pairs = [pair for pair in pairs if pair.into in intos]
    singles = joining.singles(session, gallery.id, {pair.joined for pair in pairs})
    special = joining.in_pairs(session, {pair.joined for pair in pairs})
    taken = joining.photographs(session, list(intos), {single.image_sha256 for single in singles.values()})
    quick: list[Join] = []
    slow: list[Pair] = []
    for pair in pairs:
        single = singles.get(pair.joined)
        if single is None or single.identity_id in special:
            slow.append(pair)
        elif (pair.into, single.image_sha256) not in taken:  # nobody is in a picture twice
            taken.add((pair.into, single.image_sha256))
            into = intos[pair.into]
            quick.append(
                Join(
                    id=uuid_utils.compat.uuid7(),
                    single=single,
                    into=into.id,
                    last_seen_at=into.last_seen_at,
                    anonymous=into.anonymous,
                )
            )
            into.last_seen_at = later(into.last_seen_at, single.row.last_seen_at)
    if quick:
        _write(session, gallery, clustering_id, quick)
    return len(quick) + sum(_merge(session, gallery, clustering_id, pair, named) for pair in slow)


def _write(session: Session, gallery: Gallery, clustering_id: UUID, joins: Sequence[Join]) -> None:
    session.flush()
    moved: list[Single] = [one.single for one in joins]
    keys = [one.key for one in moved]
    enrolled = moved_faces.reassign(session, gallery.id, keys, [one.into for one in joins])
    log_moved(
        session,
        gallery.id,
        deleted=sorted(keys),
        enrolled=enrolled,
        regrouped={one.into for one in joins},
        removed=[one.identity_id for one in moved],
    )
    joining.record_merges(session, gallery.id, clustering_id, joins)
    for one in joins:
        event = AuditEvent(
            action=Action.IDENTITIES_MERGED,
            id=one.id,
            gallery=gallery.name,
            identity_id=one.into,
            details={
                "other": one.single.identity_id,
                "faces": 1,
                "same_photographs": 0,
                "clustering": clustering_id,
            },
        )
        record(session, event)


def _merge(session: Session, gallery: Gallery, clustering_id: UUID, pair: Pair, named: bool) -> bool:
    """Of an identity with several faces, or with reviews or people known to be distinct."""
    try:
        into = identities.get(session, gallery.id, pair.into)
        other = identities.get(session, gallery.id, pair.joined)
        if not other.anonymous or into.anonymous == named:
            return False
        if joining.share_a_photograph(session, into.id, other.id):
            return False
        merge_within(session, gallery, pair.into, pair.joined, take=(), clustering_id=clustering_id)
    except (IdentityNotFound, IdentityMerged, PeopleDistinct):
        return False
    return True


def add_reviews(session: Session, gallery_id: UUID, found: Sequence[Resemblance], threshold: float) -> int:
    """How many were not there. Raises GalleryNotFound, Busy."""
    gallery = galleries.lock(session, gallery_id)
    anonymous = joining.targets(session, gallery.id, {one.identity_id for one in found}, anonymous=True)
    known = joining.targets(session, gallery.id, {one.named for one in found}, anonymous=False)
    added = 0
    for one in found:
        if one.identity_id in anonymous and one.named in known:
            review = reviews.add(
                session,
                gallery.id,
                ReviewKind.DUPLICATE,
                identity_id=one.identity_id,
                other_id=one.named,
                score=one.score,
                threshold=threshold,
            )
            added += review is not None
    return added
