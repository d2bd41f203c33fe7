"""A gallery of people that are searched by vectors, over HTTP, without a network."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.records import changes, galleries, reindexes
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities, person_templates
from indexer.settings import Settings
from indexer.types import ChangeKind, Vectors
from indexer.usecases.bootstrap import Engine
from service.app import create_app
from tests.support.enrolments import enrolment
from tests.support.vectors import unit_vectors

GALLERY = "staff"
PATH = f"/v1/galleries/{GALLERY}"


class People:
    """Enrols by photograph numbers, each with a vector of its own."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        client.post("/v1/galleries", json={"name": GALLERY}).raise_for_status()

    @property
    def database(self) -> Database:
        return self.engine.database

    @property
    def engine(self) -> Engine:
        engine: Engine = self.client.app.state.engine  # type: ignore[attr-defined]
        return engine

    def vector(self, number: int) -> Vectors:
        vector: Vectors = unit_vectors(number, 1, self.engine.pipeline.card.dimension)[0]
        return vector

    def enrol(
        self,
        *numbers: int,
        external_id: str | None = None,
        name: str | None = None,
        anonymous: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> UUID:
        with self.database.transaction() as session:
            gallery = galleries.lock(session, galleries.get(session, GALLERY).id)
            if gallery.model_id is None:
                gallery.model_id = self.engine.index_store.models.number_of(self.engine.pipeline.card)
                session.flush()
            made = identities.create(
                session,
                gallery.id,
                external_id=external_id,
                name=name,
                metadata={"n": len(numbers)} if metadata is None else metadata,
                anonymous=anonymous,
            )
        self.add(made.id, *numbers)
        return made.id

    def add(self, identity_id: UUID, *numbers: int) -> None:
        with self.database.transaction() as session:
            gallery = galleries.lock(session, galleries.get(session, GALLERY).id)
            models = reindexes.models_in_use(session, [gallery.id])[gallery.id]
            new = [enrolment(n, {self.engine.pipeline.card.fingerprint: self.vector(n)}) for n in numbers]
            added = faces.add(session, identity_id, new, models)
            templates = person_templates.replace(session, gallery.id, [identity_id])
            changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added], templates)

    def who(self, number: int) -> str:
        """The best candidate for a photograph."""
        answer = self.client.post(
            f"{PATH}/search", json={"embedding": self.vector(number).astype(float).tolist()}
        )
        [best, *_] = answer.raise_for_status().json()["candidates"]
        assert best["score"] > 0.7 or np.isclose(best["score"], 1)
        return str(best["identity"]["id"])

    def get(self, identity_id: UUID | str) -> dict[str, Any]:
        answer = self.client.get(f"{PATH}/identities/{identity_id}")
        return dict(answer.raise_for_status().json())

    def face_ids(self, identity_id: UUID | str) -> list[str]:
        return [face["id"] for face in self.get(identity_id)["faces"]]

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"{PATH}/{path}", json=body)

    def merge(self, one: UUID, other: UUID, **body: Any) -> dict[str, Any]:
        answer = self.post(f"identities/{one}/merge", {"other": str(other), **body})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def undo(self, change: dict[str, Any]) -> dict[str, Any]:
        answer = self.post(f"people-changes/{change['id']}/undo")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def service(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(database_url=migrated, home=tmp_path_factory.mktemp("home"), threads=8)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def people(service: TestClient) -> People:
    service.delete(PATH)  # what another test left
    return People(service)
