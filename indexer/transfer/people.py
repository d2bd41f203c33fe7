"""Finds or creates the identities of an export in a gallery."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from indexer.errors import Busy, ExternalIdTaken
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.people.distinct import pair_of
from indexer.records.transfer import identities
from indexer.records.transfer.identities import NewPerson, Resolved
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.lines import IdentityLine

PEOPLE_OF_A_TRANSACTION = 1_000
_ATTEMPTS = 5
_LISTED = 20


@dataclass(slots=True)
class PeopleCount:
    created: int = 0
    there: int = 0
    """In the gallery already, from an earlier run or because the export came from this gallery."""
    joined: int = 0
    """Their faces go to the identity that has their external id."""
    new_ids: int = 0
    """Those among `created` that got another id than in the export, because theirs was taken."""
    joined_as: dict[UUID, UUID] = field(default_factory=dict)


def check_external_ids(database: Database, gallery_id: UUID, contents: Contents) -> None:
    """Before anything is written. Raises ExternalIdTaken."""
    taken: list[str] = []
    count = 0
    for lines in _portions(contents):
        with database.reading() as session:
            found = _resolve(session, gallery_id, lines)
        count += len(found.same_external_id)
        taken += [line.external_id or "" for line in lines if line.id in found.same_external_id]
        del taken[_LISTED:]
    if count:
        raise ExternalIdTaken(
            f"{count} external ids of the export belong to other people of the gallery, such as"
            f" {taken[0]!r}; with --join their faces are added to these people",
            external_ids=taken,
            count=count,
        )


def add_people(database: Database, gallery_id: UUID, contents: Contents, *, join: bool) -> PeopleCount:
    """In portions; after an interruption the same call does the rest. `join`: whoever has an external id of
    the gallery is that person. Raises ExternalIdTaken, GalleryNotFound, Busy."""
    count = PeopleCount()
    for lines in _portions(contents):
        with database.transaction(long=True) as session:
            galleries.lock(session, gallery_id)
            found, created = _add(session, gallery_id, lines, join=join)
        count.created += len(created)
        count.there += len(found.there) + len(found.merged) - len(created)
        count.joined += len(found.same_external_id)
        count.new_ids += sum(found.there[one] != one for one in created)
        count.joined_as |= found.same_external_id
    return count


def _add(
    session: Session, gallery_id: UUID, lines: Sequence[IdentityLine], *, join: bool
) -> tuple[Resolved, set[UUID]]:
    """All are found, and the ids in the export of those that were created."""
    created: set[UUID] = set()
    by_id = {line.id: line for line in lines}
    for _ in range(_ATTEMPTS):
        found = _resolve(session, gallery_id, lines)
        if found.same_external_id and not join:
            first = by_id[next(iter(found.same_external_id))].external_id
            raise ExternalIdTaken(
                f"the gallery has another identity with the external_id {first!r}", external_id=first
            )
        if not found.new:
            return found, created
        inserted = identities.insert_new(
            session, gallery_id, [(new, _person(by_id[one])) for one, new in found.new.items()]
        )
        created |= {one for one, new in found.new.items() if new in inserted}
    raise Busy("found no free ids for the people; try again")


def resolve_owners(
    session: Session, gallery_id: UUID, exported: Sequence[UUID], joined_as: dict[UUID, UUID]
) -> dict[UUID, UUID]:
    """The identities in the gallery of people of the export; without those that were deleted meanwhile."""
    found = identities.resolve(session, gallery_id, set(exported), {})
    owners = {one: found.identity(one) or joined_as.get(one) for one in exported}
    return {one: owner for one, owner in owners.items() if owner is not None}


def add_pairs(database: Database, gallery_id: UUID, contents: Contents, joined_as: dict[UUID, UUID]) -> int:
    """The pairs of people who are known to be different. Returns how many were not known."""
    added = 0
    for lines in contents.distinct_people():
        for start in range(0, len(lines), PEOPLE_OF_A_TRANSACTION):
            part = lines[start : start + PEOPLE_OF_A_TRANSACTION]
            with database.transaction(long=True) as session:
                galleries.lock(session, gallery_id)
                both = [one for line in part for one in (line.identity_id, line.other_id)]
                owners = resolve_owners(session, gallery_id, both, joined_as)
                pairs = [
                    (*pair_of(owners[line.identity_id], owners[line.other_id]), line.created_at)
                    for line in part
                    if line.identity_id in owners and line.other_id in owners
                    if owners[line.identity_id] != owners[line.other_id]
                ]
                added += identities.insert_distinct(session, gallery_id, pairs)
    return added


def _resolve(session: Session, gallery_id: UUID, lines: Sequence[IdentityLine]) -> Resolved:
    external_ids = {line.id: line.external_id for line in lines if line.external_id is not None}
    return identities.resolve(session, gallery_id, [line.id for line in lines], external_ids)


def _portions(contents: Contents) -> Iterator[Sequence[IdentityLine]]:
    for lines in contents.identities():
        for start in range(0, len(lines), PEOPLE_OF_A_TRANSACTION):
            yield lines[start : start + PEOPLE_OF_A_TRANSACTION]


def _person(line: IdentityLine) -> NewPerson:
    return NewPerson(**{name: getattr(line, name) for name in IdentityLine.model_fields})
