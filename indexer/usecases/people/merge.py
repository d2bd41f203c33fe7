"""Two identities become one: the faces of the one become faces of the other, and its row disappears."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from indexer.callers import current_caller
from indexer.errors import InvalidRequest, PeopleDistinct
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.people import distinct, merged_pairs, moved_faces, person_changes
from indexer.records.people.person_changes import Before, ChangeOfPeople, MergedIdentity
from indexer.records.tables import Gallery, Identity
from indexer.usecases.people.regrouping import PeopleChange, locked, log_moved


class Field(StrEnum):
    """What may be taken from the identity that disappears."""

    NAME = "name"
    EXTERNAL_ID = "external_id"
    METADATA = "metadata"


def merge(
    database: Database,
    gallery_name: str,
    identity_id: UUID,
    other_id: UUID,
    *,
    take: Collection[Field] = (),
    although_distinct: bool = False,
) -> PeopleChange:
    """`identity_id` remains. `take`: fields that it gets from the other; all others stay its own.

    An anonymous identity that takes in somebody who is not becomes that person: it gets the name and the
    external id, and the metadata if it has none, also where `take` does not name them. The result is
    anonymous only if both are.
    `although_distinct`: also where somebody decided that they are different people.
    Raises GalleryNotFound, IdentityNotFound, IdentityMerged, InvalidRequest, PeopleDistinct, Busy.
    """
    with locked(database, gallery_name) as (session, gallery):
        return merge_within(
            session, gallery, identity_id, other_id, take=take, although_distinct=although_distinct
        )


def merge_within(
    session: Session,
    gallery: Gallery,
    identity_id: UUID,
    other_id: UUID,
    *,
    take: Collection[Field],
    although_distinct: bool = False,
    clustering_id: UUID | None = None,
) -> PeopleChange:
    """The same in a transaction that holds the gallery's lock. `clustering_id`: the one that merges them."""
    if identity_id == other_id:
        raise InvalidRequest("an identity cannot be merged with itself", field="other")
    kept = identities.get(session, gallery.id, identity_id)
    merged = identities.get(session, gallery.id, other_id)
    if not although_distinct and distinct.known(session, [distinct.pair_of(identity_id, other_id)]):
        raise PeopleDistinct(
            "these two are known to be different people; reopen their review, or merge them although they"
            " are distinct",
            ids=[str(identity_id), str(other_id)],
        )
    moved = moved_faces.move(session, gallery.id, from_id=other_id, to_id=identity_id)
    event = AuditEvent(
        action=Action.IDENTITIES_MERGED,
        gallery=gallery.name,
        identity_id=identity_id,
        details={"other": str(other_id), "faces": len(moved.ids), "same_photographs": len(moved.dropped)}
        | ({} if clustering_id is None else {"clustering": str(clustering_id)}),
    )
    pairs = merged_pairs.follow(
        session,
        gallery.id,
        merged_id=other_id,
        into_id=identity_id,
        change_id=event.id,
        by=current_caller.get().name,
    )
    number = log_moved(
        session,
        gallery.id,
        deleted=moved.deleted,
        enrolled=moved.enrolled,
        regrouped=[identity_id],
        removed=[other_id],
    )
    names_a_group = kept.anonymous and not merged.anonymous
    if names_a_group:
        take = {*take, Field.NAME, Field.EXTERNAL_ID, *([] if kept.details else [Field.METADATA])}
    elif merged.anonymous:  # it has no name that could replace the other's
        take = set(take) - {Field.NAME, Field.EXTERNAL_ID}
    taken = {name.value: value_of(merged, name) for name in sorted(take)}
    before = Before(
        faces=list(moved.ids),
        dropped=list(moved.dropped),
        merged=MergedIdentity(
            external_id=merged.external_id,
            name=merged.name,
            metadata=merged.details,
            created_at=merged.created_at,
            anonymous=merged.anonymous,
            hidden=merged.hidden,
            last_seen_at=merged.last_seen_at,
        ),
        anonymous=kept.anonymous,
        last_seen_at=kept.last_seen_at,
        fields={name: value_of(kept, name) for name in taken},
        taken=taken,
        pairs=pairs,
    )
    identities.remove(session, other_id)
    identities.update(session, kept, taken | ({"anonymous": False} if names_a_group else {}))
    kept.last_seen_at = later(kept.last_seen_at, merged.last_seen_at)
    person_changes.add(
        session,
        event.id,
        gallery.id,
        ChangeOfPeople.MERGE,
        identity_id=identity_id,
        other_id=other_id,
        before=before,
        clustering_id=clustering_id,
    )
    record(session, event)
    return PeopleChange(
        id=event.id,
        gallery_id=gallery.id,
        kind=ChangeOfPeople.MERGE,
        identity_id=identity_id,
        other_id=other_id,
        faces=len(moved.ids),
        change_number=number,
    )


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Of two visitors. Who is merged with somebody who is no visitor is none: it is not forgotten in time."""
    return None if one is None or other is None else max(one, other)


def value_of(identity: Identity, name: str) -> object:
    return identity.details if name == Field.METADATA else getattr(identity, name)
