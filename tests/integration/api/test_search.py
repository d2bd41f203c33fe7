"""Search by an embedding: the same answer as by the photograph that it was made of."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch

URL = "/v1/galleries/staff/search"


@pytest.fixture
def staff(client: TestClient, hopper: bytes, collins: bytes) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    for name, image in (("Grace", hopper), ("Eileen", collins)):
        path = "/v1/galleries/staff/identities"
        client.post(path, files={"images": image}, data={"name": name}).raise_for_status()
    return client


def embedding_of(pipeline: Pipeline, image: bytes) -> list[float]:
    watch = Stopwatch()
    [vector] = pipeline.embed(pipeline.detect(image, watch, max_faces=1).faces, watch)
    embedding: list[float] = vector.astype(float).tolist()
    return embedding


@pytest.mark.parametrize("length", [3.0, 1e-300, 1e300])
def test_an_embedding_of_any_length_finds_the_people_that_its_photograph_finds(
    staff: TestClient, pipeline: Pipeline, hopper: bytes, length: float
) -> None:
    embedding = (length * np.array(embedding_of(pipeline, hopper))).tolist()

    found = staff.post(URL, json={"embedding": embedding}).json()

    identified = staff.post("/v1/galleries/staff/identify", files={"image": hopper}).json()
    assert [c["identity"]["name"] for c in found["candidates"]] == ["Grace", "Eileen"]
    assert found["candidates"][0]["matched"]
    for one, other in zip(found["candidates"], identified["faces"][0]["candidates"], strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-4)
    for member in ("model", "gallery_size", "threshold"):
        assert found[member] == identified[member]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"embedding": [1.0] * 127}, 422, "invalid_request"),
        ({"embedding": [0.0] * 128}, 422, "invalid_request"),
        ({"embedding": ["x"] * 128}, 422, "invalid_request"),
        ({"embedding": []}, 422, "invalid_request"),
        ({"model": "sface-000000000000"}, 409, "another_model"),
        ({"max_candidates": 0}, 422, "invalid_request"),
        ({"max_candidates": 10**6}, 422, "invalid_request"),
        ({"limit": 3}, 422, "invalid_request"),
    ],
)
def test_an_embedding_that_does_not_fit_the_model_is_rejected(
    staff: TestClient, change: dict[str, Any], status: int, code: str
) -> None:
    answer = staff.post(URL, json={"embedding": [1.0] * 128} | change)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
