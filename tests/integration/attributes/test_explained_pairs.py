"""Occlusion maps say which parts of two faces made their score."""

import io
from base64 import b64decode

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient

from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.request_timings import Stopwatch
from indexer.usecases.explain_pair import cover_and_score, explain_pair
from indexer.vision.occlusion import GRID
from tests.support.pictures import shared


def pair(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(shared(f"data/photos/gallery/{name}").iterdir())[:2]]


def aligned(pipeline: Pipeline, pictures: list[bytes]) -> list[AlignedFace]:
    return [pipeline.detect(picture, Stopwatch(), max_faces=1).faces[0] for picture in pictures]


@pytest.mark.parametrize("name", ["obama", "kit_harington"])
def test_a_score_falls_faster_where_the_map_says_than_at_random(pipeline: Pipeline, name: str) -> None:
    """The deletion test (Petsiuk et al. 2018): cells are covered one after another."""
    faces = aligned(pipeline, pair(name))
    vectors = pipeline.embed(faces, Stopwatch())
    [map_, _] = explain_pair(pipeline, faces, vectors, Stopwatch())

    def area(order: np.ndarray) -> float:
        covers = np.zeros((GRID * GRID // 4, GRID * GRID), np.bool_)
        for number in range(len(covers)):
            covers[number:, order[4 * number : 4 * number + 4]] = True
        square = covers.reshape(-1, GRID, GRID)
        return float(cover_and_score(pipeline, faces[0], vectors[1], square).mean())

    rng = np.random.default_rng(0)
    by_map = area(np.argsort(-map_.drops, axis=None))
    at_random = [area(rng.permutation(GRID * GRID)) for _ in range(4)]

    assert by_map < min(at_random)


def test_an_explanation_comes_only_where_it_is_asked_for(client: TestClient) -> None:
    first, second = pair("obama")
    files = {"image_a": first, "image_b": second}
    plain = client.post("/v1/verify", files=files).json()
    explained = client.post("/v1/verify", files=files, data={"explain": "true"}).json()

    assert plain["explanation"] is None
    assert "explain" not in plain["timings_ms"]
    assert explained["score"] == plain["score"]
    assert "explain" in explained["timings_ms"]
    for each in explained["explanation"]:
        assert np.shape(each["drops"]) == (GRID, GRID)
        picture = PIL.Image.open(io.BytesIO(b64decode(each["picture"])))
        assert picture.size == (224, 224)
