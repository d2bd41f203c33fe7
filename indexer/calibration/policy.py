"""A gallery's policy: its FPIR, match limits and duplicate check, what is kept of probes, whether unknown
visitors are remembered, the attributes that it permits, and what is done about prints and screens.

The FPIR of identification must be supported by the calibration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from indexer.calibration.active import ActiveCalibration
from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold.decision import Decision
from indexer.errors import Misconfigured, PolicyUnsupported
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.imports.estimates import forget_forbidden
from indexer.records.tables import Gallery
from indexer.types import PersonScore

POLICY = frozenset(
    {
        *("identify_fpir", "min_match_face_px", "min_match_sharpness", "max_match_miss_rate"),
        *("duplicate_check", "duplicate_fpir", "keep_probes"),
        *("remember_unknown", "min_visitor_quality", "visitor_lifetime_hours", "max_visitors"),
        *("max_visitor_faces", "attributes", "liveness"),
    }
)
"""The columns of `Gallery` that make up its policy."""
NEVER_NULL = frozenset(
    {
        *("duplicate_check", "keep_probes", "remember_unknown", "liveness"),
        *("visitor_lifetime_hours", "max_visitors", "max_visitor_faces"),
    }
)
"""Those without a setting that could replace them."""


def update(
    database: Database,
    models: GalleryModels,
    resolver: CalibrationResolver,
    name: str,
    policy: Mapping[str, Any],
    *,
    person_score: PersonScore | None = None,
) -> Gallery:
    """Takes effect with the next request, in every process.

    `policy`: the members of `POLICY` that change; None means the setting's value, and leaves
    those of `NEVER_NULL` as they are. The FPIR of the duplicate check needs no support, like its
    default. `person_score`: that the gallery is about to get, on which its calibration depends. What imports
    have estimated of attributes that `policy` does not permit is deleted. So is what the policy before it did
    not permit, which an older version may have left.
    Raises GalleryNotFound, ModelUnavailable, PolicyUnsupported.
    """
    assert policy.keys() <= POLICY, policy
    with database.reading() as session:
        gallery = galleries.get(session, name)
    fpir = policy.get("identify_fpir")
    if fpir is not None:
        card = models.for_gallery(gallery)
        calibration = resolver.for_gallery(gallery, card, person_score=person_score)
        check_supported(calibration, fpir, gallery.face_count)
    with database.transaction(long="attributes" in policy) as session:
        row = galleries.lock(session, gallery.id)
        lists = (row.attributes, policy["attributes"]) if "attributes" in policy else ()
        details = {field: [getattr(row, field), value] for field, value in policy.items()}
        if details:
            record(session, AuditEvent(action=Action.GALLERY_CHANGED, gallery=row.name, details=details))
        for field, value in policy.items():
            if field not in NEVER_NULL or value is not None:
                setattr(row, field, value)
        for permitted in lists:
            if permitted is not None:
                forget_forbidden(session, gallery.id, permitted)
    with database.reading() as session:
        return galleries.get(session, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatus:
    """The threshold of a search at the gallery's present size, and how far the gallery may grow."""

    decision: Decision
    most_faces: int
    """The largest gallery for which the policy is supported."""


def status(models: GalleryModels, resolver: CalibrationResolver, gallery: Gallery) -> PolicyStatus | None:
    """None where this process cannot open the gallery's model."""
    try:
        card = models.for_gallery(gallery)
    except Misconfigured:
        return None
    return PolicyStatus(
        decision=resolver.decide(gallery, card, gallery.face_count),
        most_faces=resolver.for_gallery(gallery, card).curve.most_faces(resolver.fpir_of(gallery)),
    )


def check_supported(calibration: ActiveCalibration, fpir: float, faces: int) -> None:
    """Raises PolicyUnsupported where the calibration does not support `fpir` among `faces` faces."""
    curve = calibration.curve
    least = curve.least_fpir(faces)
    if fpir >= least * (1 - 1e-6):
        return
    most, needed = curve.most_faces(fpir), curve.needed(fpir, faces)
    raise PolicyUnsupported(
        f"the policy is rejected: an FPIR of {fpir:g} among {faces:,} faces is not supported:"
        f" {curve.measured_on} supports"
        f" {f'an FPIR of {least:.2g} or more' if least < 1 else 'no FPIR'} at this size,"
        f" and {fpir:g} {f'up to {most:,} faces' if most else 'at no size'};"
        f" a calibration (`gemel calibrate`) needs about {needed:,} people",
        requested=fpir,
        supported=least,
        gallery_size=faces,
        supported_up_to_faces=most,
        identities_needed=needed,
        calibration=calibration.kind,
    )
