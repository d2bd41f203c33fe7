"""Merges, splits, moves and reviews: bodies and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.records.people import person_changes
from indexer.records.people.person_changes import ChangeOfPeople
from indexer.records.people.reviews import ReviewKind, ReviewState
from indexer.usecases.answers import ID_EXAMPLE
from indexer.usecases.people import merge
from indexer.usecases.people.regrouping import PeopleChange, Undo
from service.schemas.people.identities import Identity

MAX_FACES = 1_000
"""Of one split."""

Take = Annotated[
    set[merge.Field],
    Field(
        description="Fields that the remaining identity takes from the other; by default it keeps its own",
        examples=[["name"]],
    ),
]


class Merge(BaseModel):
    model_config = {"extra": "forbid"}

    other: UUID = Field(description="The identity that disappears", examples=[ID_EXAMPLE])
    take: Take = set()
    although_distinct: bool = Field(
        default=False,
        description="Merge them although a review says that they are different people; otherwise 409"
        " `people_distinct`",
    )


class Split(BaseModel):
    model_config = {"extra": "forbid"}

    faces: set[UUID] = Field(
        min_length=1, max_length=MAX_FACES, description="Ids of the faces that become the new identity"
    )
    external_id: str | None = Field(
        default=None,
        description="Of the new identity: your own id, unique in the gallery, 1 to 255 characters",
    )
    name: str | None = Field(default=None, description="Of the new identity, 1 to 255 characters")
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="Of the new identity: any JSON object, up to 16,384 bytes"
    )


class Move(BaseModel):
    model_config = {"extra": "forbid"}

    to: UUID = Field(description="The identity that gets the face", examples=[ID_EXAMPLE])


class Same(BaseModel):
    model_config = {"extra": "forbid"}

    keep: UUID | None = Field(
        default=None, description="The identity that remains; by default the one that was created first"
    )
    take: Take = set()


class ChangeAnswer(BaseModel):
    id: UUID = Field(description="Send it to `/people-changes/{change_id}/undo`", examples=[ID_EXAMPLE])
    kind: ChangeOfPeople = Field(description="What was done, or undone", examples=["merge"])
    identity: Identity | None = Field(
        description="The identity that remained of a merge; of a split or move, the one that had the faces"
        " before"
    )
    other: Identity | None = Field(
        description="Of a split the new identity, of a move the one that got the face, of the undo of a merge"
        " the one that is back; null where it has disappeared"
    )
    other_id: UUID = Field(description="Id of `other`, also where it has disappeared", examples=[ID_EXAMPLE])
    faces: int = Field(description="How many faces changed their identity", examples=[1])
    change_number: int = Field(
        description="Number of the gallery's last change; an index that has applied it knows the new owners"
    )

    @classmethod
    def fields_of(cls, change: PeopleChange, identities: Mapping[UUID, Identity]) -> dict[str, Any]:
        return {
            "id": change.id,
            "kind": change.kind,
            "identity": identities.get(change.identity_id),
            "other": identities.get(change.other_id),
            "other_id": change.other_id,
            "faces": change.faces,
            "change_number": change.change_number,
        }

    @classmethod
    def of(cls, change: PeopleChange, identities: Mapping[UUID, Identity]) -> "ChangeAnswer":
        return cls(**cls.fields_of(change, identities))


class UndoAnswer(ChangeAnswer):
    faces_left: int = Field(
        description="Faces that did not return, because they were deleted or moved since", examples=[0]
    )

    @classmethod
    def of_undo(cls, undone: Undo, identities: Mapping[UUID, Identity]) -> "UndoAnswer":
        return cls(**cls.fields_of(undone, identities), faces_left=undone.faces_left)


class ListedChange(BaseModel):
    id: UUID = Field(description="Send it to `/people-changes/{change_id}/undo`", examples=[ID_EXAMPLE])
    kind: ChangeOfPeople = Field(description="What was done", examples=["merge"])
    identity_id: UUID = Field(
        description="The identity that remained of a merge; of a split or move, the one that had the faces"
        " before"
    )
    other_id: UUID = Field(
        description="The identity that was merged into it; of a split the new one, of a move the one that got"
        " the face"
    )
    other_name: str | None = Field(
        description="Of a merge, the name or else the external id of the identity that disappeared",
        examples=["Grace Hopper"],
    )
    faces: int = Field(description="How many faces changed their identity", examples=[1])
    created_at: datetime = Field(description="When it was done")
    undone_at: datetime | None = Field(description="When it was undone; null if it was not")

    @classmethod
    def of(cls, listed: person_changes.ListedChange) -> "ListedChange":
        change = listed.change
        return cls(
            id=change.id,
            kind=ChangeOfPeople(change.kind),
            identity_id=change.identity_id,
            other_id=change.other_id,
            other_name=listed.other_name,
            faces=listed.faces,
            created_at=change.created_at,
            undone_at=change.undone_at,
        )


class ChangePage(BaseModel):
    changes: list[ListedChange] = Field(description="The newest first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")


class Review(BaseModel):
    """Two identities that may be one person."""

    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    kind: ReviewKind = Field(description="Why the pair is reviewed")
    state: ReviewState = Field(description="`same`: they were merged; `different`: never reported again")
    identity_id: UUID = Field(description="Of a duplicate, the identity that was enrolled last")
    other_id: UUID = Field(description="The identity that it resembles")
    identity: Identity | None = Field(description="With its first faces; null where it was merged")
    other: Identity | None = Field(description="With its first faces; null where it was merged")
    score: float = Field(description="Their cosine similarity then", examples=[0.7312])
    threshold: float = Field(description="Lowest score that led to a review then", examples=[0.4671])
    created_at: datetime = Field(description="Time of the review")
    decided_at: datetime | None = Field(description="Time of the decision; null while it is open")
    decided_by: str | None = Field(description="Name of the API key, or the command line's user")
    change_id: UUID | None = Field(description="`id` of the merge of `same`")

    @classmethod
    def of(cls, review: tables.Review, identities: Mapping[UUID, Identity]) -> "Review":
        return cls(
            id=review.id,
            kind=ReviewKind(review.kind),
            state=ReviewState(review.state),
            identity_id=review.identity_id,
            other_id=review.other_id,
            identity=identities.get(review.identity_id),
            other=identities.get(review.other_id),
            score=round(review.score, 4),
            threshold=round(review.threshold, 4),
            created_at=review.created_at,
            decided_at=review.decided_at,
            decided_by=review.decided_by,
            change_id=review.change_id,
        )


class ReviewPage(BaseModel):
    reviews: list[Review] = Field(description="Oldest first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
