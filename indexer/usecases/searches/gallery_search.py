"""What every search of a gallery does, wherever its probes come from: find, decide, count, record."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.calibration.check.tally import PEOPLE, ScoredPerson, SearchTally
from indexer.calibration.resolver import CalibrationResolver
from indexer.embedding.card import ModelCard
from indexer.records.audit.search_details import SearchKind
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Vectors
from indexer.usecases import liveness
from indexer.usecases.searches.match_limits import MatchLimits
from indexer.usecases.searches.nearest import Hit, compared, named_first, nearest_people, one_face_each
from indexer.usecases.searches.options import GalleryHits, SearchedPicture, SearchOptions
from indexer.usecases.searches.recorder import SearchRecorder
from indexer.usecases.searches.results import Identification, identified_faces
from indexer.usecases.searches.searched import Searched, SearchedFace
from indexer.usecases.searches.visits import visited
from indexer.visitors.memory import VisitorMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class GallerySearch:
    database: Database
    index_cache: IndexCache
    calibrations: CalibrationResolver
    match_limits: MatchLimits
    """For galleries without limits of their own."""
    recorder: SearchRecorder
    visitors: VisitorMemory | None = None
    tally: SearchTally = field(default_factory=SearchTally)

    def find(
        self,
        kind: SearchKind,
        gallery: Gallery,
        card: ModelCard,
        probes: Vectors,
        options: SearchOptions,
        watch: Stopwatch,
    ) -> GalleryHits:
        """The people nearest to each of the probes (n, dimension), and the threshold of their number. Nothing
        is counted or recorded."""
        most = options.max_candidates * (len(probes) if options.unique_identities else 1)
        nearest = nearest_people(
            self.database,
            self.index_cache,
            gallery,
            card,
            probes,
            max(most, compared(gallery)),
            watch,
            among=options.among,
            metadata=options.metadata,
        )
        with watch.stage(Stage.DATABASE):
            decision = self.calibrations.decide(gallery, card, nearest.searched, options.threshold)
        searched = Searched(
            kind=kind,
            gallery=gallery,
            card=card,
            gallery_size=nearest.gallery_size,
            searched=nearest.searched,
            among=options.among,
            decision=decision,
            requested=options.threshold is not None,
            attributes=options.attributes,
        )
        return GalleryHits(searched=searched, nearest=nearest)

    def answer(
        self, found: GalleryHits, picture: SearchedPicture, options: SearchOptions, watch: Stopwatch
    ) -> Identification:
        """Counts the search and records it, remembers visitors, and returns the answer."""
        searched, hits = found.searched, found.nearest.hits
        limits = self.match_limits.for_gallery(searched.gallery)
        policy = searched.gallery.liveness
        reasons = [
            limits.reason_against(aligned.quality) or liveness.reason_against(policy, estimates)
            for aligned, estimates in zip(picture.faces, picture.estimates, strict=True)
        ]
        if options.unique_identities:
            hits = one_face_each(hits, options.max_candidates, [reason is None for reason in reasons])
        threshold = searched.decision.threshold
        hits = [named_first(row, threshold) for row in hits]
        rows = zip(found.nearest.hits, reasons, strict=True)
        self.count(searched, [row for row, reason in rows if reason is None])
        recorded = [
            SearchedFace(
                aligned=aligned,
                hits=row,
                unmatched_reason=reason,
                liveness=liveness.verdict(policy, estimates),
            )
            for aligned, row, reason, estimates in zip(
                picture.faces, hits, reasons, picture.estimates, strict=True
            )
        ]
        event_id = self.recorder.new_event_id()
        if picture.data is not None and self.visitors is not None:
            with watch.stage(Stage.REMEMBER):
                recorded = visited(
                    self.visitors, searched, recorded, picture.probes, picture.crops, picture.data, event_id
                )
        audit_id = self.recorder.record_search(
            searched,
            recorded,
            watch,
            event_id=event_id,
            faces_found=picture.faces_found,
            crops=picture.crops if self.recorder.keeps_probes(searched.gallery) else [],
        )
        return Identification(
            faces=identified_faces(recorded, picture.estimates, threshold, options.max_candidates),
            faces_found=picture.faces_found,
            model=searched.card.fingerprint,
            gallery_size=searched.gallery_size,
            searched=searched.searched,
            change_number=found.nearest.change_number,
            decision=searched.decision,
            audit_id=audit_id,
            timings_ms=watch.timings_ms(),
        )

    def count(self, searched: Searched, hits: Sequence[Sequence[Hit]]) -> None:
        """For the check of the false positive rate. It leaves out searches with a threshold of their own;
        searches among some people, because a caller who selects people knows something about the face; and
        searches that found an anonymous identity, because two of these may be one person."""
        if searched.requested or searched.among is not None:
            return
        for row in hits:
            if any(hit.owner.anonymous for hit in row[:PEOPLE]):
                continue
            people = [ScoredPerson(hit.owner.identity_id, hit.score) for hit in row[:PEOPLE]]
            self.tally.add(searched.gallery, searched.card, searched.decision, searched.gallery_size, people)
