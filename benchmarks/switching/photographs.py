"""The photographs of the benchmark: probes, faces that are left out, and newcomers."""

import csv
import hashlib
import random
from collections import defaultdict
from pathlib import Path

from sqlalchemy import text

from benchmarks.switching.clients import Probe
from indexer.records.database.session import Database

PROBES = 150
LEFT_OUT = 200


def enrolled(database: Database, data: Path) -> tuple[list[Probe], list[Probe]]:
    """The probes; and photographs of other people, to be left out in turn."""
    identity_of = _identities(database)
    several: dict[str, list[Probe]] = defaultdict(list)
    for file in sorted(data.glob("*/*.jpg")):
        identity = identity_of.get(hashlib.sha256(file.read_bytes()).digest())
        if identity is not None:
            several[identity].append(Probe(file=file, identity=identity))
    people = [probes for probes in several.values() if len(probes) > 1]
    random.Random(0).shuffle(people)
    left_out = [probes[0] for probes in people[:LEFT_OUT]]
    others = people[LEFT_OUT:] + [probes for probes in several.values() if len(probes) == 1]
    random.Random(1).shuffle(others)
    return [probes[0] for probes in others[:PROBES]], left_out


def newcomers(folder: Path) -> list[Path]:
    """One photograph of each person."""
    first: dict[str, Path] = {}
    with (folder / "identities.csv").open(newline="", encoding="utf-8") as rows:
        for name, identity in csv.reader(rows):
            first.setdefault(identity, folder / name)
    return [file for file in first.values() if file.is_file()]


def _identities(database: Database) -> dict[bytes, str]:
    with database.reading() as session:
        rows = session.execute(text("SELECT image_sha256, identity_id FROM face"))
        return {bytes(digest): str(identity) for digest, identity in rows}
