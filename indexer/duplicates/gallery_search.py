"""Finds people of a gallery who may be enrolled twice, by a search of the gallery against itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold.decision import Decision
from indexer.duplicates import pairs, sharded_pairs, threshold
from indexer.duplicates.sharded_pairs import OpenShards, Shards
from indexer.errors import Misconfigured
from indexer.index.live import LiveIndex
from indexer.records import galleries, shard_sets
from indexer.records.database.session import Database, Session
from indexer.records.enrolled.owners import Owner, find_owners
from indexer.records.people import distinct, reviews
from indexer.records.people.reviews import ReviewKind
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore

PAIRS_OF_A_TRANSACTION = 500
"""Reviews that are added under one lock of the gallery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPeople:
    """Two people who may be one, with their most similar faces."""

    one: Owner
    """The one that was enrolled first."""
    other: Owner
    key: int
    """Of the face of `one`."""
    other_key: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryDuplicates:
    gallery: Gallery
    model: str
    """Fingerprint."""
    people: int
    faces: int
    decision: Decision | None
    """None where nobody is enrolled."""
    groups: list[list[SimilarPeople]]
    """People who are connected by pairs, each group and its pairs the best first."""

    @property
    def pairs(self) -> list[SimilarPeople]:
        return [pair for group in self.groups for pair in group]

    @property
    def expected_false_pairs(self) -> float:
        """Pairs of different people that are expected to reach the threshold: see `_false_pairs`."""
        return 0.0 if self.decision is None else _false_pairs(self.faces, self.decision.estimate.fpir)

    @property
    def expectation(self) -> str:
        """The same in words, such as `about 50 (13 to 157)`."""
        interval = self.expected_interval
        between = f" ({_rounded(interval[0])} to {_rounded(interval[1])})" if interval else ""
        return f"about {_rounded(self.expected_false_pairs)}{between}"

    @property
    def expected_interval(self) -> tuple[float, float] | None:
        interval = None if self.decision is None else self.decision.estimate.interval
        return interval and (_false_pairs(self.faces, interval[0]), _false_pairs(self.faces, interval[1]))


def search(
    index_store: IndexStore,
    resolver: CalibrationResolver,
    gallery: Gallery,
    *,
    fpir: float | None = None,
    shards: Shards | None = None,
    progress: Callable[[int, int], object] = lambda _, __: None,
    wait: Callable[[], object] = sharded_pairs.pause,
) -> GalleryDuplicates:
    """`fpir`: share of the faces that may be taken for another person; by default the gallery's for its
    duplicate check. `shards`: of the Ray cluster, where there is one. `progress` gets the number of faces
    that were searched, and of all. `wait` is called while shards do not answer, before they are called again.

    Pairs who are known to be different, and pairs without a name on either side, are left out. For a gallery
    in shards no index is opened in this process. Raises GalleryNotFound, ModelUnavailable, EmbeddingsMissing,
    and what `progress` and `wait` raise; for a gallery in shards also IndexNotReady if they do not answer for
    ten minutes, and Misconfigured without `shards`.
    """
    card = index_store.models.for_gallery(gallery)
    if gallery.face_count == 0:
        return GalleryDuplicates(
            gallery=gallery, model=card.fingerprint, people=0, faces=0, decision=None, groups=[]
        )
    store = index_store.of_model(card)
    in_shards = _in_shards(store, gallery, shards, wait)
    if in_shards is None:
        index = _open(store, gallery)
        total, done = index.faces, 0
    else:
        total, done = in_shards.patiently(lambda index: index.faces), 0
    decision = threshold.decide(resolver, gallery, card, total, fpir)

    def searched(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    if in_shards is None:
        found = pairs.find(index.searcher, decision.threshold, searched)
    else:
        found = sharded_pairs.find(
            in_shards, store.database, gallery.id, card.fingerprint, decision.threshold, searched
        )
    return GalleryDuplicates(
        gallery=gallery,
        model=card.fingerprint,
        people=found.people,
        faces=found.faces,
        decision=decision,
        groups=group(_named(index_store.database, gallery, found.pairs.values())),
    )


def portions(found: GalleryDuplicates) -> Iterator[list[SimilarPeople]]:
    """The pairs, as many at a time as one transaction adds."""
    every = found.pairs
    for start in range(0, len(every), PAIRS_OF_A_TRANSACTION):
        yield every[start : start + PAIRS_OF_A_TRANSACTION]


def add_reviews(session: Session, found: GalleryDuplicates, portion: Sequence[SimilarPeople]) -> int:
    """Puts the pairs into the gallery's reviews; how many were not there. Raises GalleryNotFound, Busy."""
    galleries.lock(session, found.gallery.id)
    keys = {key for pair in portion for key in (pair.key, pair.other_key)}
    owners = find_owners(session, found.gallery.id, keys)
    added = 0
    for pair in portion:
        one, other = owners.get(pair.key), owners.get(pair.other_key)
        if one is None or other is None or one.identity_id == other.identity_id:
            continue  # deleted or merged meanwhile
        review = reviews.add(
            session,
            found.gallery.id,
            ReviewKind.DUPLICATE,
            identity_id=other.identity_id,
            other_id=one.identity_id,
            score=pair.score,
            threshold=found.decision.threshold if found.decision else pair.score,
        )
        added += review is not None
    return added


def group(similar: Iterable[SimilarPeople]) -> list[list[SimilarPeople]]:
    """People who are connected by pairs, the group with the best pair first."""
    leader: dict[UUID, UUID] = {}

    def find(person: UUID) -> UUID:
        while (above := leader.setdefault(person, person)) != person:
            leader[person] = person = leader[above]
        return person

    ordered = sorted(similar, key=lambda pair: -pair.score)
    for pair in ordered:
        leader[find(pair.one.identity_id)] = find(pair.other.identity_id)
    groups: dict[UUID, list[SimilarPeople]] = {}
    for pair in ordered:
        groups.setdefault(find(pair.one.identity_id), []).append(pair)
    return list(groups.values())


def _in_shards(
    store: IndexStore, gallery: Gallery, shards: Shards | None, wait: Callable[[], object]
) -> OpenShards | None:
    """The gallery's shards; None if the gallery is not searched in shards. Raises Misconfigured."""
    with store.database.reading() as session:
        active = shard_sets.active(session, gallery.id, store.card.fingerprint)
    if active is None:
        return None
    if shards is None:
        raise Misconfigured(
            f"gallery {gallery.name!r} is searched in {active.shards} shards on a Ray cluster, and its whole"
            " index may be too large for this machine: set GEMEL_CLUSTER here, as for the servers"
        )
    return OpenShards(partial(shards.open_for_job, gallery, store), wait)


def _open(store: IndexStore, gallery: Gallery) -> LiveIndex:
    """A separate index with the present changes of the log. It does not follow later changes."""
    index, log = store.open(gallery.id).index, store.log(gallery.id)
    while tail := log.tail(index):
        index.apply(tail)
    return index


def _named(database: Database, gallery: Gallery, found: Iterable[pairs.FacePair]) -> Sequence[SimilarPeople]:
    """Without pairs that are known to be different, two people without names (a clustering joins those), and
    people who were deleted meanwhile."""
    every = list(found)
    with database.reading() as session:
        owners = find_owners(
            session, gallery.id, {key for pair in every for key in (pair.key, pair.other_key)}
        )
        named = [
            _ordered(pair, owners)
            for pair in every
            if {pair.key, pair.other_key} <= owners.keys()
            and not (owners[pair.key].anonymous and owners[pair.other_key].anonymous)
        ]
        different = set()
        for start in range(0, len(named), PAIRS_OF_A_TRANSACTION):
            portion = [_ids(pair) for pair in named[start : start + PAIRS_OF_A_TRANSACTION]]
            different |= distinct.known(session, portion)
    return [pair for pair in named if _ids(pair) not in different]


def _ordered(pair: pairs.FacePair, owners: Mapping[int, Owner]) -> SimilarPeople:
    keys = sorted((pair.key, pair.other_key), key=lambda key: owners[key].identity_id)
    return SimilarPeople(
        one=owners[keys[0]], other=owners[keys[1]], key=keys[0], other_key=keys[1], score=pair.score
    )


def _ids(pair: SimilarPeople) -> distinct.Pair:
    return distinct.pair_of(pair.one.identity_id, pair.other.identity_id)


def _false_pairs(faces: int, fpir: float) -> float:
    """A search with each of N faces has a false alarm with the probability `fpir`, and a pair of faces is
    found from both sides: N * FPIR / 2. That is (N * (N - 1) / 2) * FMR, since FPIR is nearly N * FMR."""
    return faces * fpir / 2


def _rounded(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 else f"{count:.2g}"
