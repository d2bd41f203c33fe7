"""A gallery that was embedded before landmarks were refined: served, re-indexed, and rolled back."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.records.database.session import Database
from indexer.records.tables import Model
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import wait_for
from tests.support.reindexing import Operator, enrol, who

BEFORE = catalog.superseded(mirror=True)[0]
NOW = catalog.sface(mirror=True)


@pytest.fixture
def client(settings: Settings, database: Database, hopper: bytes, collins: bytes) -> Iterator[TestClient]:
    """The gallery `staff`, in a database as an earlier release left it."""
    earlier = create_app(settings.model_copy(update={"model": BEFORE.fingerprint}))
    with TestClient(earlier) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        enrol(client, "Grace", hopper)
        enrol(client, "Eileen", collins)
    with database.transaction() as session:
        session.execute(update(Model).where(Model.fingerprint == BEFORE.fingerprint).values(name="sface"))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def switch(operator: Operator, client: TestClient, to: ModelCard) -> str:
    """The path of the job, whose gallery is searched with the model `to`."""
    job = operator.start(to)
    assert operator.work(job).row.state == "ready"
    client.post(f"/v1/reindexes/{job.row.id}/activate").raise_for_status()
    return f"/v1/reindexes/{job.row.id}"


def test_a_gallery_of_an_earlier_release_is_searched_with_its_alignment(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    assert who(client, hopper) == ("Grace", BEFORE.fingerprint)
    enrol(client, "Eileen again", collins)
    assert who(client, collins)[1] == BEFORE.fingerprint


def test_it_moves_to_refined_landmarks_by_a_reindex_and_back_again(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    path = switch(operator, client, NOW)
    assert who(client, hopper) == ("Grace", NOW.fingerprint)
    assert who(client, collins) == ("Eileen", NOW.fingerprint)

    client.post(f"{path}/rollback").raise_for_status()

    assert who(client, hopper) == ("Grace", BEFORE.fingerprint)
    wait_for(operator.clean)


def test_a_photograph_scores_nearly_1_against_its_own_crop(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    """The landmarks are refined in the stored crop, and in the photograph that is searched for."""
    switch(operator, client, NOW)

    answer = client.post("/v1/galleries/staff/identify", files={"image": hopper}).json()

    assert answer["faces"][0]["candidates"][0]["score"] > 0.98


def test_the_list_of_models_names_those_that_are_superseded(client: TestClient) -> None:
    models = client.get("/v1/models").json()["models"]

    assert {model["fingerprint"] for model in models if model["superseded"]} == {
        card.fingerprint for card in catalog.superseded(mirror=True)
    }
    assert [model["fingerprint"] for model in models if model["active"]] == [NOW.fingerprint]
