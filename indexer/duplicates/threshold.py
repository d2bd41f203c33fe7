"""The score from which two people of a gallery may be one."""

from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold import decision as thresholds
from indexer.calibration.threshold.decision import Decision
from indexer.embedding.card import ModelCard
from indexer.records.tables import Gallery

SHARE_OF_IDENTIFICATION = 0.1
"""Of the FPIR of identification, where the gallery has no FPIR for its duplicate check. Nearly everybody who
is enrolled is new, so that nearly each check is a search for a stranger, and a false alarm keeps a person out
of the gallery or costs a clerk's time. Photographs for enrolment are also better than probes: they score
higher."""


def fpir_of(resolver: CalibrationResolver, gallery: Gallery) -> float:
    """The policy: share of new people's faces that may be taken for somebody who is enrolled."""
    if gallery.duplicate_fpir is not None:
        return gallery.duplicate_fpir
    return SHARE_OF_IDENTIFICATION * resolver.fpir_of(gallery)


def decide(
    resolver: CalibrationResolver, gallery: Gallery, card: ModelCard, faces: int, fpir: float | None = None
) -> Decision:
    """For a search among `faces` faces. `fpir`: instead of the gallery's. Raises DatabaseUnavailable."""
    calibration = resolver.for_gallery(gallery, card)
    return thresholds.decide(calibration, fpir_of(resolver, gallery) if fpir is None else fpir, faces)
