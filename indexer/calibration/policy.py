"""What an operator wants of a gallery. A false alarm rate is taken on where the data can bear it out."""

from collections.abc import Mapping
from dataclasses import dataclass

from indexer.calibration.resolver import Decision, InForce, Scales
from indexer.errors import Misconfigured, PolicyUnsupported
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries
from indexer.records.models import Gallery
from indexer.records.session import Database

POLICY = frozenset({"identify_fpir", "min_match_face_px", "min_match_sharpness"})
"""What a gallery may decide for itself, by the names of its columns."""


def adopt(
    database: Database, models: GalleryModels, scales: Scales, name: str, fpir: float | None
) -> Gallery:
    """As `change`, of the false alarm rate alone."""
    return change(database, models, scales, name, {"identify_fpir": fpir})


def change(
    database: Database, models: GalleryModels, scales: Scales, name: str, policy: Mapping[str, float | None]
) -> Gallery:
    """From the next request on, in every process. `policy`: what changes of `POLICY`; None leaves it to the
    settings.

    Raises GalleryNotFound, ModelUnavailable, PolicyUnsupported.
    """
    assert policy.keys() <= POLICY, policy
    with database.reading() as session:
        gallery = galleries.get(session, name)
    fpir = policy.get("identify_fpir")
    if fpir is not None:
        check(scales.of(gallery, models.for_gallery(gallery)), fpir, gallery.face_count)
    with database.transaction() as session:
        row = galleries.lock(session, gallery.id)
        for field, value in policy.items():
            setattr(row, field, value)
    with database.reading() as session:
        return galleries.get(session, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How a search would be decided at the gallery's present size, and how far that carries."""

    decision: Decision
    most_faces: int
    """Up to which the policy is supported."""


def outlook(models: GalleryModels, scales: Scales, gallery: Gallery) -> Outlook | None:
    """None where the gallery's model cannot be opened in this process."""
    try:
        card = models.for_gallery(gallery)
    except Misconfigured:
        return None
    return Outlook(
        decision=scales.decide(gallery, card, gallery.face_count),
        most_faces=scales.of(gallery, card).scale.most_faces(scales.policy(gallery)),
    )


def check(in_force: InForce, fpir: float, faces: int) -> None:
    """Raises PolicyUnsupported where nothing that was measured can vouch for the rate at that size."""
    scale = in_force.scale
    least = scale.least_fpir(faces)
    if fpir >= least * (1 - 1e-6):
        return
    most, needed = scale.most_faces(fpir), scale.needed(fpir, faces)
    raise PolicyUnsupported(
        f"an FPIR of {fpir:g} among {faces:,} faces cannot be vouched for: {scale.measured_on} supports"
        f" {f'no less than {least:.2g}' if least < 1 else 'none'} at this size,"
        f" and {fpir:g} {f'up to {most:,} faces' if most else 'at no size'};"
        f" a calibration (`gemel calibrate`) would need about {needed:,} people",
        wanted=fpir,
        supported=least,
        gallery_size=faces,
        supported_up_to_faces=most,
        identities_needed=needed,
        calibration=in_force.kind,
    )
