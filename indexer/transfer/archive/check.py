"""Checks a whole export before any of it is imported: checksums, every line, every vector, every reference.

It remembers the ids of all people and faces: some 200 bytes for each.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.errors import ArchiveInvalid, InvalidRequest
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.manifest import ExportedCalibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    identities: int
    faces: int
    without_crop: int


def check(contents: Contents, *, progress: Callable[[int, int], object]) -> Checked:
    """`progress` gets the number of faces so far, and of all.

    Raises ArchiveInvalid, ArchiveDamaged, OSError.
    """
    manifest = contents.manifest
    for calibration in manifest.calibrations:
        _check_calibration(calibration)
    people: set[bytes] = set()
    external_ids: set[str] = set()
    for identities in contents.identities():
        for identity in identities:
            if identity.id.bytes in people:
                raise ArchiveInvalid(f"the identity {identity.id} occurs twice")
            people.add(identity.id.bytes)
            if identity.external_id is not None:
                if identity.external_id in external_ids:
                    raise ArchiveInvalid(f"two identities have the external_id {identity.external_id!r}")
                external_ids.add(identity.external_id)
    del external_ids
    for pairs in contents.distinct_people():
        for pair in pairs:
            if pair.identity_id == pair.other_id or not (
                {pair.identity_id.bytes, pair.other_id.bytes} <= people
            ):
                raise ArchiveInvalid(f"the pair of {pair.identity_id} is not of two people of the export")
    faces: set[bytes] = set()
    without_crop = 0
    for group in contents.face_groups():
        for line in group.lines:
            if line.identity_id.bytes not in people:
                raise ArchiveInvalid(f"the face {line.id} is of an identity that the export does not have")
            if line.id.bytes in faces:
                raise ArchiveInvalid(f"the face {line.id} occurs twice")
            faces.add(line.id.bytes)
            without_crop += line.crop is None
        progress(len(faces), manifest.counts.faces)
    counted = (len(people), len(faces))
    if counted != (manifest.counts.identities, manifest.counts.faces):
        raise ArchiveInvalid(
            f"the export has {counted[0]} people and {counted[1]} faces, the manifest says"
            f" {manifest.counts.identities} and {manifest.counts.faces}"
        )
    return Checked(identities=len(people), faces=len(faces), without_crop=without_crop)


def _check_calibration(calibration: ExportedCalibration) -> None:
    """By its shape, and by using it. Raises ArchiveInvalid."""
    try:
        json.dumps(calibration.parameters, allow_nan=False)  # as it will be stored
        curve = MeasuredCurve.from_json(calibration.parameters)
        if not _is_sound(curve):
            raise ValueError
        curve.estimate(curve.threshold(0.01, 1_000), 1_000)
        curve.misses(0.5)
    except (InvalidRequest, KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError):
        raise ArchiveInvalid("a calibration cannot be read") from None


def _is_sound(curve: MeasuredCurve) -> bool:
    shape = (len(curve.sizes), len(curve.rates))
    tables = (curve.scores, curve.low, curve.high)
    return bool(
        min(shape) >= 2
        and all(table.shape == shape and np.isfinite(table).all() for table in tables)
        and curve.least.shape == shape[:1]
        and np.isfinite(curve.least).all()
        and (curve.sizes[0] > 0 and (np.diff(curve.sizes) > 0).all())
        and (curve.rates.min() > 0 and curve.rates.max() < 1 and (np.diff(curve.rates) < 0).all())
        and 0 < curve.faces_per_identity < 1e9
    )
