"""Galleries to export, and what two galleries have in common."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import PIL.Image
from sqlalchemy import text

from benchmarks import face_vectors
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.records import calibrations, changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities, person_templates
from indexer.records.people import distinct
from indexer.types import ChangeKind, Crop, DuplicateCheck, Enrolment, Vectors
from tests.support.strangers import CARD, FACE, QUALITY

CURVE = MeasuredCurve(
    identities=100,
    comparisons=4_950,
    faces_per_identity=1.5,
    suspected=0,
    sizes=np.array([10.0, 100.0]),
    rates=np.array([0.1, 0.01]),
    scores=np.array([[0.3, 0.4], [0.4, 0.5]]),
    low=np.array([[0.05, 0.005], [0.05, 0.005]]),
    high=np.array([[0.2, 0.02], [0.2, 0.02]]),
    least=np.array([0.005, 0.005]),
)


def synthetic_crop(number: int) -> bytes:
    """A JPEG of noise."""
    pixels = np.random.default_rng(number).integers(0, 255, (6, 6, 3), np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).resize((64, 64)).save(file, "JPEG", quality=60)
    return file.getvalue()


def nobody(*_: object) -> None:
    """Progress that nobody looks at."""


def people(database: Database, name: str, count: int = 12, *, crops: bool = True, seed: int = 0) -> UUID:
    """A gallery of `count` people with everything that an export has. Every third has three faces."""
    with database.transaction() as session:
        gallery = galleries.create(
            session, name, identify_fpir=0.02, duplicate_check=DuplicateCheck.WARN, min_match_face_px=20
        )
        gallery.model_id = models.register(session, CARD.fingerprint, CARD.dimension)
        known = []
        for place, vector in enumerate(face_vectors.gallery(count, seed)):
            anonymous = place % 5 == 4
            person = identities.create(
                session,
                gallery.id,
                external_id=None if anonymous else f"{name}-{place}",
                name=None if anonymous else f"Person {place} Ångström",
                metadata={"place": place, "tags": ["a", None, 1.5]},
                anonymous=anonymous,
            )
            known.append(person.id)
            session.execute(
                text("UPDATE identity SET hidden = :hidden, last_seen_at = :seen WHERE id = :id"),
                {"hidden": place % 4 == 3, "seen": datetime(2026, 5, 4, 3, 2, 1, 7, UTC), "id": person.id},
            )
            enrolments = [
                _enrolment(place * 10 + n, vector, crops) for n in range(3 if place % 3 == 0 else 1)
            ]
            added = faces.add(session, person.id, enrolments, {CARD.fingerprint: gallery.model_id})
            templates = person_templates.replace(session, gallery.id, [person.id])
            changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added], templates)
        distinct.add(session, gallery.id, [distinct.pair_of(known[0], one) for one in known[1:4]])
        calibrations.add(
            session,
            gallery_id=gallery.id,
            model_id=gallery.model_id,
            source="gallery",
            parameters=CURVE.to_json(),
        )
    return gallery.id


def _enrolment(number: int, vector: Vectors, crops: bool) -> Enrolment:
    turned = vector + np.random.default_rng(number).normal(0, 0.03, len(vector)).astype(np.float32)
    crop = Crop(jpeg=synthetic_crop(number), landmarks=LANDMARKS) if crops and number % 7 != 5 else None
    return Enrolment(
        face=FACE,
        quality=QUALITY,
        vectors={CARD.fingerprint: (turned / np.linalg.norm(turned)).astype(np.float32)},
        image_sha256=number.to_bytes(32, "big"),
        crop=crop,
    )


LANDMARKS = np.array([[20, 25], [44, 25], [32, 36], [24, 48], [40, 48]], np.float32)


def rows(database: Database, name: str) -> dict[str, Any]:
    """All of a gallery that an import restores, in the order of enrolment; without its own ids and keys."""
    statements = {
        "policy": "SELECT store_crops, keep_probes, identify_fpir, min_match_face_px, min_match_sharpness,"
        " max_match_miss_rate, person_score, duplicate_check, duplicate_fpir, face_count, model_id"
        " FROM gallery WHERE name = :name",
        "identities": "SELECT i.external_id, i.name, i.metadata, i.anonymous, i.hidden, i.last_seen_at,"
        " i.created_at, i.updated_at, i.name_words, i.search_words FROM identity i"
        " JOIN gallery g ON g.id = i.gallery_id WHERE g.name = :name ORDER BY i.metadata ->> 'place', i.id",
        "faces": "SELECT i.metadata, f.box, f.landmarks, f.confidence, f.quality, f.quality_components,"
        " f.image_sha256, f.crop, f.crop_landmarks, f.created_at, e.model_id, e.vector, e.problem"
        " FROM face f JOIN identity i ON i.id = f.identity_id JOIN gallery g ON g.id = i.gallery_id"
        " JOIN embedding e ON e.face_key = f.key WHERE g.name = :name ORDER BY f.key",
        "templates": "SELECT i.metadata FROM person_template t JOIN identity i ON i.id = t.identity_id"
        " JOIN gallery g ON g.id = t.gallery_id WHERE g.name = :name ORDER BY i.metadata ->> 'place'",
        "distinct": "SELECT array(SELECT metadata ->> 'place' FROM identity WHERE id IN (lower_id, higher_id)"
        " ORDER BY 1), d.created_at FROM distinct_people d JOIN gallery g ON g.id = d.gallery_id"
        " WHERE g.name = :name ORDER BY 1",
        "calibrations": "SELECT c.model_id, c.source, c.person_score, c.parameters, c.created_at"
        " FROM calibration c JOIN gallery g ON g.id = c.gallery_id WHERE g.name = :name"
        " ORDER BY c.created_at",
    }
    with database.reading() as session:
        return {
            what: [tuple(map(_plain, row)) for row in session.execute(text(sql), {"name": name})]
            for what, sql in statements.items()
        }


def ids(database: Database, name: str) -> Mapping[str, list[Any]]:
    """Of the identities and of the faces."""
    with database.reading() as session:
        return {
            table: [
                row[0]
                for row in session.execute(
                    text(
                        f"SELECT {table}.id FROM identity"
                        + (" JOIN face ON face.identity_id = identity.id" if table == "face" else "")
                        + " JOIN gallery ON gallery.id = gallery_id WHERE gallery.name = :name ORDER BY 1"
                    ),
                    {"name": name},
                )
            ]
            for table in ("identity", "face")
        }


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
