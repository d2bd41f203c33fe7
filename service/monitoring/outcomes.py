"""Counts outcomes for Prometheus: faces matched or unmatched, pictures rejected and why, errors by code.

Label values come from Gemel's own code, never from a request, so their number is bounded.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from indexer.calibration.threshold.decision import Decision
from indexer.usecases.searches.results import Identification, SearchResult
from indexer.usecases.searches.verification import Verification


class Outcomes:
    """Counters; with several workers they are summed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._faces = Counter(
            "gemel_identified_faces",
            "Probe faces: matched, unmatched, or no_face for a picture without a face",
            ["outcome"],
            registry=registry,
        )
        self._visitors = Counter(
            "gemel_visitor_faces",
            "Probe faces that the memory of unknown visitors has seen: new, seen, face_added, low_quality, or"
            " skipped because PostgreSQL, the index or the gallery's lock was not available in time",
            ["outcome"],
            registry=registry,
        )
        self._decisions = Counter(
            "gemel_identify_decisions",
            "Identifications and searches, by the calibration of the threshold and whether it is trusted",
            ["calibration", "trusted"],
            registry=registry,
        )
        self._verifications = Counter(
            "gemel_verifications", "Comparisons, matched or unmatched", ["outcome"], registry=registry
        )
        self._pictures = Counter(
            "gemel_enrolment_pictures",
            "Pictures sent for enrolment: enrolled, or the code of the rejection",
            ["outcome"],
            registry=registry,
        )
        self._errors = Counter(
            "gemel_errors",
            "Requests answered with an error, by its code",
            ["code"],
            registry=registry,
        )

    def identified(self, identification: Identification) -> None:
        for face in identification.faces:
            self._faces.labels(_outcome(any(c.matched for c in face.candidates))).inc()
            if face.visit is not None:
                self._visitors.labels(face.visit.outcome.value).inc()
        if not identification.faces:
            self._faces.labels("no_face").inc()
        self._decided(identification.decision)

    def searched(self, found: SearchResult) -> None:
        self._faces.labels(_outcome(any(c.matched for c in found.candidates))).inc()
        self._decided(found.decision)

    def verified(self, verification: Verification) -> None:
        self._verifications.labels(_outcome(verification.matched)).inc()

    def enrolled(self, pictures: int, rejected: Iterable[str] = ()) -> None:
        """`rejected`: the code of each picture that was not enrolled."""
        self._pictures.labels("enrolled").inc(pictures)
        for code in rejected:
            self._pictures.labels(code).inc()

    def failed(self, code: str) -> None:
        self._errors.labels(code).inc()

    def _decided(self, decision: Decision) -> None:
        trusted = "true" if decision.estimate.trusted else "false"
        self._decisions.labels(decision.calibration.kind, trusted).inc()


def _outcome(matched: bool) -> str:
    return "matched" if matched else "unmatched"
