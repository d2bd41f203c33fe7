"""A server whose model consists of two networks, and a gallery that goes to it by a re-index."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from indexer.embedding.catalog import sface_reid0095
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records.database.session import Database
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import OLD, PATH, Operator, enrol, who
from tests.support.weights import REID0095, needs_reid0095

pytestmark = needs_reid0095

FUSED = sface_reid0095(mirror=True)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"model_mirror": str(REID0095)})


@pytest.fixture
def factory(settings: Settings) -> Iterator[PipelineFactory]:
    with open_pipeline_factory(settings) as factory:
        yield factory


@pytest.fixture
def smaller(hopper: bytes) -> bytes:
    return jpeg(pixels(hopper)[::2, ::2])


def test_a_server_with_a_fused_model_enrols_identifies_verifies_and_searches(
    settings: Settings,
    database: Database,
    factory: PipelineFactory,
    hopper: bytes,
    smaller: bytes,
    collins: bytes,
) -> None:
    served = settings.model_copy(update={"model": "sface+reid0095"})
    pipeline, watch = factory.pipeline(FUSED), Stopwatch()
    [face] = pipeline.detect(smaller, watch).faces
    [vector] = pipeline.embed([face], watch)

    with TestClient(create_app(served), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        enrol(client, "Grace", hopper)
        enrol(client, "Eileen", collins)
        found = who(client, smaller)
        verified = client.post("/v1/verify", files={"image_a": hopper, "image_b": smaller})
        searched = client.post(f"{PATH}/search", json={"embedding": vector.tolist()})

    assert found == ("Grace", FUSED.fingerprint)
    assert verified.json()["matched"] is True
    assert searched.json()["candidates"][0]["identity"]["name"] == "Grace"
    assert vector.shape == (384,)


def test_a_gallery_moves_from_one_network_to_two_and_back(
    settings: Settings,
    database: Database,
    factory: PipelineFactory,
    hopper: bytes,
    smaller: bytes,
    collins: bytes,
) -> None:
    operator = Operator(settings, database, factory)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        enrol(client, "Grace", hopper)
        enrol(client, "Eileen", collins)
        job = operator.start(FUSED)
        assert operator.work(job).row.state == "ready"
        client.post(f"/v1/reindexes/{job.row.id}/activate").raise_for_status()

        assert who(client, smaller) == ("Grace", FUSED.fingerprint)
        assert who(client, collins) == ("Eileen", FUSED.fingerprint)
        assert operator.clean()

        client.post(f"/v1/reindexes/{job.row.id}/rollback").raise_for_status()
        assert who(client, smaller) == ("Grace", OLD.fingerprint)
