"""One Ray cluster of three nodes, and a service on it with a gallery in two shards of two copies each."""

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.cluster import connection
from indexer.records import changes, galleries, models, shard_sets
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, person_templates
from indexer.records.tables import Gallery, ShardSet
from indexer.replica.verification import contents
from indexer.settings import Settings
from indexer.types import ChangeKind, Vectors
from indexer.usecases.bootstrap import Engine
from service.app import create_app
from tests.support.enrolments import enrolment
from tests.support.home import Home, wait_for
from tests.support.many_faces import enrol
from tests.support.ray_cluster import RayCluster
from tests.support.sharded_node import nodes_of
from tests.support.strangers import CARD
from tests.support.vectors import unit_vectors

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed (extra `cluster`)", allow_module_level=True)

GALLERY = "staff"
PEOPLE = 48
LEAST_FACES = 40
VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A dead node is noticed sooner than after Ray's twelve seconds."""


@dataclass(frozen=True)
class Sharded:
    """The service in this process, and its gallery."""

    cluster: RayCluster
    client: TestClient
    url: str
    """Of PostgreSQL."""
    home: Path

    @property
    def engine(self) -> Engine:
        engine: Engine = self.client.app.state.engine  # type: ignore[attr-defined]
        return engine

    @property
    def database(self) -> Database:
        return self.engine.database

    def gallery(self, name: str = GALLERY) -> Gallery:
        with self.database.reading() as session:
            return galleries.get(session, name)

    def active(self, name: str = GALLERY) -> ShardSet | None:
        with self.database.reading() as session:
            return shard_sets.active(session, self.gallery(name).id, CARD.fingerprint)

    def index(self, name: str = GALLERY) -> Any:
        return self.engine.index_cache.caught_up(self.gallery(name))

    def enrol(self, gallery: str, people: int) -> None:
        """Each third person has two faces, and so a template."""
        for person in range(people):
            enrol(self.database, self.gallery(gallery).id, str(person), vectors_of(person))

    def add_face(self, person: UUID, vector: Vectors, photograph: int = 77) -> UUID:
        """Of the person of that id; `vector`: (1, dimension)."""
        with self.database.transaction() as session:
            gallery = galleries.lock(session, self.gallery().id)
            model = models.register(session, CARD.fingerprint, CARD.dimension)
            new = enrolment(photograph, {CARD.fingerprint: vector[0]})
            [added] = faces.add(session, person, [new], {CARD.fingerprint: model})
            templates = person_templates.replace(session, gallery.id, [person])
            changes.append(session, gallery.id, ChangeKind.ENROL, [added.key], templates)
            return added.id

    def digest_of_postgresql(self, name: str = GALLERY) -> str:
        return contents.read_contents(self.engine.index_store, self.gallery(name)).digest

    def nodes_of(self, shard: int) -> list[int]:
        """Numbers of the running nodes with a copy of the shard, as Ray has placed them now."""
        active = self.active()
        assert active is not None
        return nodes_of(self.cluster, active, shard)

    def wait_for_shards(self, name: str = GALLERY) -> None:
        """Until a set serves, and this process knows it."""
        self.engine.index_cache.of(self.gallery(name))
        wait_for(lambda: self.active(name))
        wait_for(lambda: type(self.index(name)).__name__ == "ShardedIndex")


def vectors_of(person: int) -> Vectors:
    faces: Vectors = unit_vectors(person, 2 if person % 3 == 0 else 1, CARD.dimension)
    if len(faces) == 2:
        faces[1] = faces[0] + 0.6 * faces[1]
        faces[1] /= np.linalg.norm(faces[1])
    return faces


@pytest.fixture(scope="package")
def sharded(migrated_cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sharded]:
    folder = tmp_path_factory.mktemp("sharded")
    with ExitStack() as stack:
        url = stack.enter_context(Home(folder, cluster=migrated_cluster)).database_url
        cluster = stack.enter_context(RayCluster(url, folder, nodes=3, variables=VARIABLES))
        settings = Settings(
            home=folder / "server",
            database_url=url,
            cluster=cluster.address,
            shard_faces=LEAST_FACES,
            shards=2,
            index_patience_s=10,
        )
        connection.prepare(settings)
        from indexer.cluster.shards import builder  # it imports Ray, which reads its variables once

        patched = stack.enter_context(pytest.MonkeyPatch.context())
        of = builder.BuilderOptions.of
        patched.setattr(
            builder.BuilderOptions,
            "of",
            lambda settings: replace(of(settings), grace_seconds=2.0, orphan_seconds=2.0),
        )
        client = stack.enter_context(TestClient(create_app(settings), raise_server_exceptions=False))
        one = Sharded(cluster, client, url, folder / "server")
        with one.database.transaction() as session:
            galleries.create(session, GALLERY)
        one.enrol(GALLERY, PEOPLE)
        one.wait_for_shards()
        yield one
