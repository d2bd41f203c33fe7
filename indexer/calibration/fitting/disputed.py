"""Which disputed matches a threshold would still match: it may be too low, or somebody is mislabelled."""

from dataclasses import dataclass
from uuid import UUID

from indexer.records.audit import disputes
from indexer.records.database.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedMatches:
    """Of a gallery. A dispute is one person's word: it moves no threshold by itself."""

    threshold: float
    scores: list[float]
    """Of the disputed matches by this model, highest first."""
    by_other_models: int
    """Disputed matches whose score is of another model, and says nothing here."""

    @property
    def still_matched(self) -> int:
        return sum(score >= self.threshold for score in self.scores)


def disputed_matches(
    database: Database, gallery_id: UUID, fingerprint: str, threshold: float
) -> DisputedMatches:
    """`fingerprint`: of the model that the threshold is for."""
    with database.reading() as session:
        every = disputes.of_gallery(session, gallery_id)
    scores = sorted((round(one.score, 6) for one in every if one.model == fingerprint), reverse=True)
    return DisputedMatches(threshold=threshold, scores=scores, by_other_models=len(every) - len(scores))
