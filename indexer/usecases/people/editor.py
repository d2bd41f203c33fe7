"""The use cases of people in a process that serves: its open index has each change before the answer."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from indexer.records.database.session import Database
from indexer.replica.cache import IndexCache
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.people import merge, review, split, undo
from indexer.usecases.people.merge import Field
from indexer.usecases.people.regrouping import PeopleChange, Undo
from indexer.usecases.people.review import Decision

_Change = TypeVar("_Change", bound=PeopleChange)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleEditor:
    """Each method raises what the function of the same name raises."""

    database: Database
    index_cache: IndexCache

    def merge(
        self,
        gallery: str,
        identity_id: UUID,
        other_id: UUID,
        *,
        take: Collection[Field],
        although_distinct: bool,
    ) -> PeopleChange:
        return self._caught_up(
            merge.merge(
                self.database,
                gallery,
                identity_id,
                other_id,
                take=take,
                although_distinct=although_distinct,
            )
        )

    def split(
        self, gallery: str, identity_id: UUID, face_ids: Collection[UUID], new: NewIdentity
    ) -> PeopleChange:
        return self._caught_up(split.split(self.database, gallery, identity_id, face_ids, new))

    def move(self, gallery: str, identity_id: UUID, face_ids: Collection[UUID], to_id: UUID) -> PeopleChange:
        return self._caught_up(split.move(self.database, gallery, identity_id, face_ids, to_id))

    def undo(self, gallery: str, change_id: UUID) -> Undo:
        return self._caught_up(undo.undo(self.database, gallery, change_id))

    def same(self, gallery: str, review_id: UUID, *, keep: UUID | None, take: Collection[Field]) -> Decision:
        return self._decided(review.same(self.database, gallery, review_id, keep=keep, take=take))

    def different(self, gallery: str, review_id: UUID) -> Decision:
        return self._decided(review.different(self.database, gallery, review_id))

    def reopen(self, gallery: str, review_id: UUID) -> Decision:
        return self._decided(review.reopen(self.database, gallery, review_id))

    def _decided(self, decision: Decision) -> Decision:
        if decision.change is not None:
            self._caught_up(decision.change)
        return decision

    def _caught_up(self, change: _Change) -> _Change:
        self.index_cache.try_to_catch_up(change.gallery_id)
        return change
