"""What became of requests, for Prometheus: who was recognised, what was rejected and why.

Labels take their values from Gemel's own code, never from a request: there are some dozens of them.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from indexer.calibration.threshold import Decision
from indexer.usecases.identify import Identification, SearchResult
from indexer.usecases.verify import Verification


class Outcomes:
    """Counters: of several workers they add up."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._faces = Counter(
            "gemel_identified_faces",
            "Faces that were searched for, matched or unmatched; pictures without a face as no_face",
            ["outcome"],
            registry=registry,
        )
        self._decisions = Counter(
            "gemel_identify_decisions",
            "Identifications and searches, by what their threshold came from and whether it is vouched for",
            ["calibration", "trusted"],
            registry=registry,
        )
        self._verifications = Counter(
            "gemel_verifications", "Comparisons, matched or unmatched", ["outcome"], registry=registry
        )
        self._pictures = Counter(
            "gemel_enrolment_pictures",
            "Pictures that were to be enrolled: enrolled, or the code of the reason why not",
            ["outcome"],
            registry=registry,
        )
        self._errors = Counter(
            "gemel_errors",
            "Requests that were answered with an error, by its code",
            ["code"],
            registry=registry,
        )

    def identified(self, identification: Identification) -> None:
        for face in identification.faces:
            self._faces.labels(_outcome(any(c.matched for c in face.candidates))).inc()
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
        self._decisions.labels(decision.calibration, trusted).inc()


def _outcome(matched: bool) -> str:
    return "matched" if matched else "unmatched"
