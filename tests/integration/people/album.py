"""A gallery of faces without names, which clusterings join."""

from typing import Any
from uuid import UUID

import numpy as np

from indexer.gallery_jobs.clustering.run import ClusteringRun
from indexer.records import changes, galleries, reindexes
from indexer.records.enrolled import faces, identities
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING
from indexer.records.tables import GalleryJob
from indexer.types import ChangeKind, Vectors
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.enrolments import enrolment
from tests.support.home import wait_for
from tests.support.vectors import unit_vectors

CLUSTERINGS = f"{PATH}/clusterings"
THRESHOLD = 0.6
OPTIONS = {"threshold": THRESHOLD, "join_groups": False, "join_named": False, "dry_run": False}


class Album:
    """Faces of people by number, without names. Two faces of one person have a cosine of about 0.8."""

    def __init__(self, people: People) -> None:
        self.people = people
        self._picture = 1_000

    def vector(self, person: int, face: int = 0) -> Vectors:
        dimension = self.people.engine.pipeline.card.dimension
        base = unit_vectors(person, 1, dimension)[0]
        mixed = base + 0.5 * unit_vectors(10_000 * person + face, 1, dimension)[0]
        unit: Vectors = mixed / np.linalg.norm(mixed)
        return unit

    def add(self, person: int, face: int = 0, *, name: str | None = None, picture: int | None = None) -> UUID:
        """A new identity with one face."""
        people = self.people
        self._picture += 1
        with people.database.transaction() as session:
            gallery = galleries.lock(session, galleries.get(session, GALLERY).id)
            if gallery.model_id is None:
                gallery.model_id = people.engine.index_store.models.number_of(people.engine.pipeline.card)
                session.flush()
            models = reindexes.models_in_use(session, [gallery.id])[gallery.id]
            made = identities.create(
                session, gallery.id, external_id=None, name=name, metadata={}, anonymous=name is None
            )
            vectors = {people.engine.pipeline.card.fingerprint: self.vector(person, face)}
            new = enrolment(self._picture if picture is None else picture, vectors)
            [added] = faces.add(session, made.id, [new], models)
            changes.append(session, gallery.id, ChangeKind.ENROL, [added.key])
        return made.id

    def several(self, person: int, count: int, first: int = 0) -> list[UUID]:
        return [self.add(person, face) for face in range(first, first + count)]

    def sizes(self) -> dict[str, int]:
        """Faces of the anonymous identities."""
        answer = self.people.client.get(
            f"{PATH}/identities", params={"anonymous": True, "limit": 1000, "hidden": "any"}
        )
        return {one["id"]: one["faces_total"] for one in answer.raise_for_status().json()["identities"]}

    def begin(self, **options: Any) -> str:
        answer = self.people.client.post(CLUSTERINGS, json={"threshold": THRESHOLD, **options})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def get(self, id: str) -> dict[str, Any]:
        return dict(self.people.client.get(f"{CLUSTERINGS}/{id}").raise_for_status().json())

    def cluster(self, **options: Any) -> dict[str, Any]:
        """Until it has ended."""
        id = self.begin(**options)
        wait_for(lambda: self.get(id)["ended_at"] is not None, 30)
        return self.get(id)

    def who(self, person: int, face: int = 0) -> str:
        """The best candidate for a face."""
        embedding = self.vector(person, face).astype(float).tolist()
        [best, *_] = self.people.post("search", {"embedding": embedding}).json()["candidates"]
        return str(best["identity"]["id"])

    def claimed(self, worker: str, **options: Any) -> ClusteringRun:
        """A clustering that no serving process takes."""
        with self.people.database.transaction() as session:
            gallery = galleries.get(session, GALLERY)
            job = jobs.create(session, gallery, CLUSTERING, OPTIONS | options, worker=worker)
        return self.run_of(job, worker)

    def run_of(self, job: GalleryJob, worker: str) -> ClusteringRun:
        engine = self.people.engine
        return ClusteringRun(
            index_store=engine.index_store,
            calibrations=engine.calibrations,
            worker=worker,
            job=job,
        )
