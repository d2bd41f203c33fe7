"""The people nearest to a picture's faces: the index finds their keys, PostgreSQL has their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from indexer.calibration.check.tally import PEOPLE
from indexer.embedding.card import ModelCard
from indexer.errors import GalleryNotFound, InvalidRequest
from indexer.records import galleries
from indexer.records.audit import disputes
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.enrolled.owners import Owner, find_owners
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.request_timings import Stage, Stopwatch
from indexer.types import NearPerson, Vectors
from indexer.visitors.memory import MOST as VISITORS_COMPARED

_ATTEMPTS = 5
"""Searches, where a face in the answer is deleted in the meantime."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A person near a face."""

    owner: Owner
    """With the id of the nearest of the person's faces."""
    person: NearPerson
    disputed: int = 0
    """How often somebody said of a match with one of the person's faces: not this person."""
    metadata: dict[str, Any] | None = None
    """Of the person; None where it was not requested."""

    @property
    def score(self) -> float:
        return self.person.score


class NearestPeople(NamedTuple):
    hits: list[list[Hit]]
    """For each probe, best first."""
    gallery_size: int
    """Enrolled faces."""
    searched: int
    """Those of them that were searched: all, or those of the selected people."""
    change_number: int
    """Up to which the index had followed, at least."""


def nearest_people(
    database: Database,
    index_cache: IndexCache,
    gallery: Gallery,
    card: ModelCard,
    probes: Vectors,
    most: int,
    watch: Stopwatch,
    *,
    among: PeopleFilter | None = None,
    metadata: bool = False,
) -> NearestPeople:
    """For each of the probes (n, dimension) the `most` nearest people. `among`: of those whom it selects.
    `metadata`: with theirs.

    Where PostgreSQL has deleted one of the faces since, the index catches up and is searched again: the
    person may have other faces. So it is where faces have moved since the selection was read: their new
    person may be selected too; and where an anonymous person has come since, whom the selection of everybody
    else does not know. Raises EmbeddingsMissing, IndexNotReady, GalleryNotFound.
    """
    for _ in range(_ATTEMPTS):
        with watch.stage(Stage.INDEX):
            index = index_cache.caught_up(gallery, card)
            change_number = index.applied
        if among is None:
            with watch.stage(Stage.SEARCH):
                found = index.search_identities(probes, most)
            size = searched = index.faces
            moved = False
        else:
            with watch.stage(Stage.DATABASE):
                selection, selected_at = index_cache.selections.caught_up(gallery, among, index)
            with watch.stage(Stage.SEARCH):
                found = index.search_identities(probes, most, selection)
                size, searched = index.faces, index.count_faces(selection)
            moved = index.removed_at > selected_at
        keys = {person.key for row in found for person in row}
        with watch.stage(Stage.DATABASE), database.reading() as session:
            owners = find_owners(session, gallery.id, keys)
            if among is not None and among.exclude_anonymous:
                owners = {key: owner for key, owner in owners.items() if not owner.anonymous}
            if len(owners) == len(keys) and not moved:
                break
            gallery = _reread(session, gallery)
    people = {owner.identity_id for owner in owners.values()}
    disputed: dict[UUID, int] = {}
    if gallery.has_disputes:
        with watch.stage(Stage.DATABASE), database.reading() as session:
            disputed = disputes.count_by_identity(session, gallery.id, people)
    details: dict[UUID, dict[str, Any]] = {}
    if metadata:
        with watch.stage(Stage.DATABASE), database.reading() as session:
            details = identities.metadata_of(session, gallery.id, people)
    hits = [
        [
            Hit(owner, person, disputed.get(owner.identity_id, 0), details.get(owner.identity_id))
            for person in row
            if (owner := owners.get(person.key)) is not None
        ]
        for row in found
    ]
    return NearestPeople(hits, size, searched, change_number)


def one_face_each(
    hits: Sequence[Sequence[Hit]], most: int, may_match: Sequence[bool] | None = None
) -> list[list[Hit]]:
    """Gives each person to one face: of all pairs the best first, as long as the face has fewer than `most`.
    Faces that may match come before those that may not, so that a print takes nobody away from a person;
    `may_match`: by face; None: all.

    With the `len(hits) * most` nearest people of each face, no face lacks a person that no other face has.
    """
    pairs = sorted(
        ((hit, face) for face, row in enumerate(hits) for hit in row),
        key=lambda pair: (may_match is not None and not may_match[pair[1]], -pair[0].score),
    )
    given: list[list[Hit]] = [[] for _ in hits]
    taken: set[UUID] = set()
    for hit, face in pairs:
        if len(given[face]) < most and hit.owner.identity_id not in taken:
            given[face].append(hit)
            taken.add(hit.owner.identity_id)
    return given


def compared(gallery: Gallery) -> int:
    """People of each face that are looked for, however few the caller asks for."""
    return VISITORS_COMPARED if gallery.remember_unknown else PEOPLE


def named_first(hits: Sequence[Hit], threshold: float) -> list[Hit]:
    """Of the people who reach the threshold, those who are not anonymous come first; else in the same order.

    A known person whom a search missed may be an anonymous identity as well. Without this, its newer picture
    would hide the name for ever (docs/decisions/0034).
    """
    return sorted(hits, key=lambda hit: hit.owner.anonymous or hit.score < threshold)


def _reread(session: Session, gallery: Gallery) -> Gallery:
    """Raises GalleryNotFound."""
    found = galleries.by_ids(session, [gallery.id]).get(gallery.id)
    if found is None:
        raise GalleryNotFound("the gallery was deleted in the meantime")
    return found


def unit_vector(embedding: Sequence[float], dimension: int) -> Vectors:
    """(dimension,), of length 1. Raises InvalidRequest."""
    if len(embedding) != dimension:
        raise InvalidRequest(
            f"the embedding has {len(embedding)} numbers, those of the model have {dimension}",
            field="embedding",
            measured=len(embedding),
            limit=dimension,
        )
    vector = np.array(embedding, np.float64)
    largest = np.abs(vector).max()
    if not np.isfinite(largest) or largest == 0:
        raise InvalidRequest("the embedding has no direction: it is zero or infinite", field="embedding")
    vector /= largest  # so that squares neither overflow nor underflow
    unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
