"""Exports of version 1 of the format are read by all later versions. `version1.tar` is one, of people and
crops that a random number generator made."""

import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np

from indexer.records import galleries
from indexer.records.database.session import Database
from tests.integration.transfer.conftest import Restore
from tests.support.transfer.galleries import CURVE, rows

EXPORT = Path(__file__).with_name("version1.tar")
CROPS = {
    0: "1e516032cdcc6ec5f9f2d4a0259c15a78b45f0d1ff99101501af6fe348801066",
    2: "ab1135906754949d43e47bfba0a2ed47e4824026a302a1e37c476d4e16ac5b1c",
}
"""SHA-256 of the crops of the first face and the third."""


def test_an_export_of_version_1_is_imported_wholly(database: Database, restore: Restore) -> None:
    imported = restore(EXPORT)

    assert (imported.people.created, imported.faces.added, imported.pairs) == (6, 10, 3)
    with database.reading() as session:
        gallery = galleries.get(session, "restored")
    assert gallery.model_fingerprint == "sface-f5ebfac0c7ff"
    assert (gallery.identify_fpir, gallery.duplicate_check, gallery.person_score) == (0.02, "warn", "fused")
    found = rows(database, "restored")
    [calibration] = found["calibrations"]
    assert calibration[3] == CURVE.to_json()
    first = found["identities"][0]
    assert first[:5] == (
        "fixture-0",
        "Person 0 Ångström",
        {"place": 0, "tags": ["a", None, 1.5]},
        False,
        False,
    )
    assert [person[3] for person in found["identities"]].count(True) == 1, "who is anonymous"
    assert hashlib.sha256(found["faces"][0][7]).hexdigest() == CROPS[0]
    assert [face[7] is None for face in found["faces"]].count(True) == 1
    vectors = np.array([np.frombuffer(face[11], "<f4") for face in found["faces"]])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert len(found["templates"]) == 2


def test_it_is_read_without_gemel() -> None:
    with tarfile.open(EXPORT) as tar:
        files = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    manifest = json.loads(files["manifest.json"])
    faces = [json.loads(line) for line in files["faces-000001.ndjson"].splitlines()]
    vectors = np.frombuffer(files["vectors-000001.f32"], "<f4").reshape(len(faces), -1)
    place = faces[2]["crop"]
    crop = files["crops-000001.bin"][place["offset"] : place["offset"] + place["bytes"]]

    assert (manifest["format"], manifest["version"]) == ("gemel-gallery", 1)
    assert vectors.shape == (10, manifest["model"]["dimension"])
    assert hashlib.sha256(crop).hexdigest() == CROPS[2]
