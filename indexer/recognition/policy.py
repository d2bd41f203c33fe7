"""The false alarm rate that an operator wants of a gallery: taken on where the data can bear it out."""

from dataclasses import dataclass

from indexer.errors import Misconfigured, PolicyUnsupported
from indexer.recognition.models import Models
from indexer.recognition.scales import Decision, InForce, Scales
from indexer.records import galleries
from indexer.records.models import Gallery
from indexer.records.session import Database


def adopt(database: Database, models: Models, scales: Scales, name: str, fpir: float | None) -> Gallery:
    """From the next request on, in every process. `fpir`: None leaves it to the settings.

    Raises GalleryNotFound, ModelUnavailable, PolicyUnsupported.
    """
    with database.reading() as session:
        gallery = galleries.get(session, name)
    if fpir is not None:
        check(scales.of(gallery, models.of(gallery)), fpir, gallery.face_count)
    with database.transaction() as session:
        galleries.lock(session, gallery.id).identify_fpir = fpir
    with database.reading() as session:
        return galleries.get(session, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How a search would be decided at the gallery's present size, and how far that carries."""

    decision: Decision
    most_faces: int
    """Up to which the policy is supported."""


def outlook(models: Models, scales: Scales, gallery: Gallery) -> Outlook | None:
    """None where the gallery's model cannot be opened in this process."""
    try:
        card = models.of(gallery)
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
