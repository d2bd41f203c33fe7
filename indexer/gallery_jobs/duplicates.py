"""One search of a gallery for people who are enrolled twice. Each pair gets a review."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from indexer.duplicates import gallery_search, sharded_pairs
from indexer.duplicates.gallery_search import GalleryDuplicates, SimilarPeople
from indexer.gallery_jobs.run import Run
from indexer.records.database.session import Session

OPENING, COMPARING, REVIEWING = "opening the index", "comparing", "adding reviews"


@dataclass(slots=True, kw_only=True)
class DuplicateSearchRun(Run):
    def work(self) -> Any:
        gallery = self.gallery()
        if gallery is None or gallery.face_count == 0:
            return
        self.note(OPENING)
        found = gallery_search.search(
            self.index_store,
            self.calibrations,
            gallery,
            fpir=self.job.options["fpir"],
            shards=self.shards,
            progress=self._compared,
            wait=self._wait_for_shards,
        )
        decision = found.decision
        self.figures |= {"people": found.people, "pairs": len(found.pairs), "reviews": 0}
        if decision is not None:
            self.figures |= {
                "fpir": decision.target,
                "fpir_trusted": decision.estimate.trusted,
                "expected_false_pairs": round(found.expected_false_pairs, 4),
            }
        self.note(REVIEWING, threshold=None if decision is None else decision.threshold)
        for portion in gallery_search.portions(found):
            self.write(REVIEWING, partial(self._add, found, portion))

    def _compared(self, done: int, total: int) -> None:
        self.note(COMPARING, faces=total, compared=done)

    def _wait_for_shards(self) -> None:
        """Raises LeaseLost."""
        step = COMPARING if "compared" in self.figures else OPENING
        self.note(f"{step}: waiting for shards that do not answer")
        self.closing.wait(sharded_pairs.PAUSE_SECONDS)

    def _add(
        self, found: GalleryDuplicates, portion: list[SimilarPeople], session: Session
    ) -> Mapping[str, int]:
        return {"reviews": gallery_search.add_reviews(session, found, portion)}
