"""How many visitors the memory makes of LFW's people, and how many people a visitor is.

People with several photographs come by in random order; each photograph is searched for and remembered by the
same code as an identification's, with a real PostgreSQL and a real index, at the default policy. The networks
run once: `--vectors` keeps their embeddings.

    python -m benchmarks.visitors --data ../shared/data/lfw --vectors /tmp/lfw.npz
"""

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.search.gallery import migrate
from indexer.calibration.resolver import CalibrationResolver
from indexer.embedding.catalog import sface
from indexer.evaluation.lfw import read_people
from indexer.pipeline.embed_files import embed_files
from indexer.pipeline.pipeline import AlignedFace
from indexer.records import changes, embedded, galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Box, ChangeKind, Crop, Face, Quality, Vectors
from indexer.usecases.bootstrap import open_pipeline
from indexer.usecases.searches.nearest import named_first, nearest_people
from indexer.visitors.memory import MOST, VisitorMemory
from indexer.visitors.visit import ProbeFace, Resemblance

GALLERY = "door"
CARD = sface(mirror=True)
_ALIGNED = AlignedFace(
    face=Face(
        box=Box(x=0, y=0, width=90, height=110), landmarks=np.zeros((5, 2), np.float32), confidence=0.9
    ),
    pictures=(),
    quality=Quality(score=90, size=90, sharpness=90, exposure=90, pose=90, face_px=90, sharpness_ratio=0.1),
)
_CROP = Crop(jpeg=b"", landmarks=np.zeros((5, 2), np.float32))
QUARTERS = 4


@dataclass(frozen=True)
class Variant:
    name: str
    remember: bool = True
    most_faces: int = 5
    enrolled: float = 0.0
    """Share of the people of whom the first photograph is enrolled."""


VARIANTS = (
    Variant("empty gallery, one face a visitor", most_faces=1),
    Variant("empty gallery, five faces a visitor"),
    Variant("half of the people enrolled, nobody remembered", remember=False, enrolled=0.5),
    Variant("half of the people enrolled", enrolled=0.5),
)


@dataclass
class Outcome:
    probes: int = 0
    of_visitor: dict[UUID, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Whose photographs were taken for the visitor."""
    found: int = 0
    """Searches for enrolled people that named them."""
    as_visitor: int = 0
    as_other: int = 0
    known: int = 0
    """Searches for enrolled people."""
    strangers_named: int = 0
    made_of_known: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: a folder for each person")
    parser.add_argument("--vectors", type=Path, required=True, help="file of embeddings; made if missing")
    parser.add_argument("--most", type=int, default=10, help="photographs of a person")
    parser.add_argument("--people", type=int, default=10_000, help="at most, chosen at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    names, vectors = embeddings(options.data, options.vectors)
    rows = [
        row
        for variant in VARIANTS
        for row in measure(variant, names, vectors, options.people, options.most, options.seed)
    ]
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def embeddings(data: Path, cached: Path) -> tuple[list[str], Vectors]:
    """Of the photographs with a face, of people with two or more."""
    if not cached.exists():
        people = read_people(data)
        files = [image for person in people for image in person.images]
        with open_pipeline(Settings()) as pipeline:
            embedded_files = embed_files(pipeline, files)
        owners = np.array([person.name for person in people for _ in person.images])
        np.savez(cached, vectors=embedded_files.vectors, found=embedded_files.found, names=owners)
    stored = np.load(cached)
    names, found = stored["names"].tolist(), stored["found"]
    counts = Counter(name for name, ok in zip(names, found, strict=True) if ok)
    rows = [row for row, name in enumerate(names) if found[row] and counts[name] > 1]
    return [names[row] for row in rows], stored["vectors"][rows]


def measure(
    variant: Variant, names: list[str], vectors: Vectors, most_people: int, most: int, seed: int
) -> list[dict[str, Any]]:
    """One row for each quarter of the probes."""
    rng = np.random.default_rng(seed)
    all_names = sorted(set(names))
    chosen = set(rng.permutation(all_names)[:most_people].tolist())
    taken: Counter[str] = Counter()
    order = []
    for row in rng.permutation(len(names)).tolist():
        if names[row] in chosen and taken[names[row]] < most:
            taken[names[row]] += 1
            order.append(row)
    people = sorted(taken)
    known = set(rng.choice(people, int(variant.enrolled * len(people)), replace=False).tolist())
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        url = embedded.start(home)
        migrate(url)
        door = Door(url, home, variant)
        stack.callback(door.close)
        enrolled: dict[UUID, str] = {}
        probes = []
        for row in order:
            if names[row] in known and names[row] not in enrolled.values():
                enrolled[door.enrol(names[row], vectors[row])] = names[row]
            else:
                probes.append(row)
        outcome, rows = Outcome(), []
        for number, row in enumerate(track(probes, variant.name), start=1):
            door.see(names[row], vectors[row], row, enrolled, outcome)
            if number * QUARTERS // len(probes) > (number - 1) * QUARTERS // len(probes):
                rows.append(summary(variant, outcome, door, known))
        return rows


class Door:
    """A gallery, and who comes by."""

    def __init__(self, url: str, home: Path, variant: Variant) -> None:
        self.database = Database(url, audit=False)
        self.store = IndexStore.of(Settings(home=home), self.database, CARD)
        self.index_cache = IndexCache(self.database, self.store, patience_seconds=60)
        self.calibrations = CalibrationResolver(self.database, self.store.models, Settings().identify_fpir)
        self.memory = VisitorMemory(
            database=self.database,
            index_cache=self.index_cache,
            calibrations=self.calibrations,
            models=self.store.models,
            rejects=lambda _: None,
        )
        self.remember = variant.remember
        with self.database.transaction() as session:
            galleries.create(
                session, GALLERY, remember_unknown=True, max_visitor_faces=variant.most_faces
            ).model_id = self.store.models.number_of(CARD)

    def close(self) -> None:
        self.index_cache.close()
        self.database.close()

    def enrol(self, name: str, vector: Vectors) -> UUID:
        with self.database.transaction() as session:
            gallery = galleries.lock(session, galleries.get(session, GALLERY).id)
            assert gallery.model_id is not None
            identity = identities.create(session, gallery.id, external_id=None, name=name, metadata={})
            enrolment = self._probe(vector, 0, []).enrolment(CARD.fingerprint, store_crop=False)
            [face] = faces.add(session, identity.id, [enrolment], {CARD.fingerprint: gallery.model_id})
            changes.append(session, gallery.id, ChangeKind.ENROL, [face.key])
        return identity.id

    def see(
        self, name: str, vector: Vectors, number: int, enrolled: dict[UUID, str], outcome: Outcome
    ) -> None:
        with self.database.reading() as session:
            gallery = galleries.get(session, GALLERY)
        [hits], size, *_ = nearest_people(
            self.database, self.index_cache, gallery, CARD, vector[None], MOST, Stopwatch()
        )
        threshold = self.calibrations.decide(gallery, CARD, size).threshold
        hits = named_first(hits, threshold)
        first = hits[0].owner if hits and hits[0].score >= threshold else None
        is_known = name in enrolled.values()
        outcome.probes += 1
        outcome.known += is_known
        if first is not None and first.anonymous:
            outcome.as_visitor += is_known
            outcome.of_visitor[first.identity_id][name] += 1
        elif first is not None:
            outcome.found += enrolled[first.identity_id] == name
            outcome.as_other += is_known and enrolled[first.identity_id] != name
            outcome.strangers_named += not is_known
        if not self.remember:
            return
        people = [Resemblance(owner=hit.owner, person=hit.person) for hit in hits]
        visit = self.memory.remember(gallery, CARD, threshold, self._probe(vector, number, people))
        if visit is not None and visit.outcome == "new" and visit.identity_id is not None:
            outcome.of_visitor[visit.identity_id][name] += 1
            outcome.made_of_known += is_known

    def _probe(self, vector: Vectors, number: int, people: list[Resemblance]) -> ProbeFace:
        return ProbeFace(
            aligned=_ALIGNED,
            vector=vector,
            people=people,
            crop=_CROP,
            image_sha256=number.to_bytes(32, "big"),
            audit_id=None,
        )


def summary(variant: Variant, outcome: Outcome, door: Door, known: set[str]) -> dict[str, Any]:
    visitors = list(outcome.of_visitor.values())
    main = Counter(people.most_common(1)[0][0] for people in visitors)
    strangers = {name for people in visitors for name in people} - known
    sightings = sum(people.total() for people in visitors)
    own = sum(max(people.values()) for people in visitors)
    with door.database.reading() as session:
        gallery = galleries.get(session, GALLERY)
    return {
        "variant": variant.name,
        "probes": outcome.probes,
        "faces": gallery.face_count,
        "visitors": len(visitors),
        "visitors_a_person": sum(main[name] for name in strangers) / max(1, len(strangers)),
        "people_with_one_visitor": sum(main[name] == 1 for name in strangers) / max(1, len(strangers)),
        "people_a_visitor": sum(map(len, visitors)) / max(1, len(visitors)),
        "purity": own / max(1, sightings),
        "known_searches": outcome.known,
        "known_found": outcome.found / max(1, outcome.known),
        "known_as_visitor": outcome.as_visitor / max(1, outcome.known),
        "known_as_other": outcome.as_other / max(1, outcome.known),
        "visitors_of_known": outcome.made_of_known,
        "strangers_named": outcome.strangers_named / max(1, outcome.probes - outcome.known),
    }


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(*rows[0])
    for row in rows:
        made.add_row(*(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()))
    return made


if __name__ == "__main__":
    main()
