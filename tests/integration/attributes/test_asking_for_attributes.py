"""Attributes are estimated where a request asks for them, and where they are permitted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.types import Attribute
from service.app import create_app
from tests.support.pictures import jpeg, pixels
from tests.support.weights import attributes_mirror, needs_attributes

pytestmark = needs_attributes


@pytest.fixture
def permissive(database: Database, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """The service with an operator's permission for expressions, and their weights."""
    chosen = settings.model_copy(
        update={
            "model_mirror": str(attributes_mirror(tmp_path)),
            "attributes": "expression,age,liveness",
            "max_faces": 2,
        }
    )
    with TestClient(create_app(chosen), raise_server_exceptions=False) as client:
        yield client


def test_detect_estimates_the_attributes_that_are_asked_for(permissive: TestClient, collins: bytes) -> None:
    [plain] = permissive.post("/v1/detect", files={"image": collins}).json()["faces"]
    asked = permissive.post("/v1/detect", files={"image": collins}, data={"attributes": ["expression"]})

    assert plain["attributes"] == {}
    estimate = asked.json()["faces"][0]["attributes"]["expression"]
    assert estimate["value"] in estimate["scores"]
    assert estimate["confidence"] == max(estimate["scores"].values())
    assert "attributes" in asked.json()["timings_ms"]


def test_an_attribute_that_is_not_permitted_is_rejected_by_name(
    permissive: TestClient, collins: bytes
) -> None:
    answer = permissive.post("/v1/detect", files={"image": collins}, data={"attributes": ["gender"]})

    assert answer.status_code == 403
    assert answer.json()["code"] == "attribute_not_permitted"
    assert answer.json()["attribute"] == "gender"


def test_liveness_is_estimated_by_three_networks(permissive: TestClient, hopper: bytes) -> None:
    answer = permissive.post("/v1/detect", files={"image": hopper}, data={"attributes": ["liveness"]})

    estimate = answer.json()["faces"][0]["attributes"]["liveness"]
    assert estimate["value"] in ("live", "attack")
    assert 0.5 <= estimate["confidence"] <= 1
    assert {"live", "minifasnet_v2", "minifasnet_v1se", "celeba_spoof"} == estimate["scores"].keys()


def test_only_the_largest_faces_of_a_group_get_estimates(permissive: TestClient, hopper: bytes) -> None:
    """As many as an identification takes at most: a group photograph has no end."""
    portrait = pixels(hopper)
    group = jpeg(np.concatenate([portrait] * 3, axis=1))

    answer = permissive.post("/v1/detect", files={"image": group}, data={"attributes": "expression"}).json()

    assert [list(face["attributes"]) for face in answer["faces"]] == [["expression"], ["expression"], []]


def test_what_may_be_asked_for_is_listed(permissive: TestClient) -> None:
    listed = {one["name"]: one for one in permissive.get("/v1/attributes").json()["attributes"]}

    assert list(listed) == list(Attribute)
    [network] = listed["expression"].pop("networks")
    assert (network["name"], network["licence"], network["trained_on"]) == ("expression", "Apache-2.0", None)
    assert listed["expression"] == {
        "name": "expression",
        "permitted": True,
        "available": True,
        "sensitive": True,
    }
    assert (listed["gender"]["permitted"], listed["quality"]["sensitive"]) == (False, False)
