"""Which face a comparison was made with: pictures of several faces."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.home import Home
from tests.support.pictures import jpeg, pixels

PAIR = "/v1/verify"


@pytest.fixture(scope="module")
def both(hopper: bytes, collins: bytes) -> bytes:
    """Grace Hopper and, half as large beside her, Eileen Collins."""
    large, small = pixels(hopper), pixels(collins)[::2, ::2]
    canvas = np.full((large.shape[0], large.shape[1] + small.shape[1], 3), 128, np.uint8)
    canvas[:, : large.shape[1]] = large
    canvas[: small.shape[0], large.shape[1] :] = small
    return jpeg(canvas)


def test_a_picture_of_several_faces_is_rejected_and_the_answer_says_which_and_how_many(
    client: TestClient, hopper: bytes, both: bytes
) -> None:
    for files, field in (
        ({"image_a": hopper, "image_b": both}, "image_b"),
        ({"image_a": both, "image_b": hopper}, "image_a"),
    ):
        answer = client.post(PAIR, files=files)
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert (problem["code"], problem["field"], problem["measured"]) == ("several_faces", field, 2)
        assert "several_faces=largest" in problem["detail"]

    identity = _enrolled(client, hopper)
    answer = client.post(f"{identity}/verify", files={"image": both})
    assert answer.status_code == 422, answer.text
    assert (answer.json()["code"], answer.json()["field"]) == ("several_faces", "image")


def test_the_largest_of_several_faces_is_compared_on_request(
    client: TestClient, hopper: bytes, both: bytes
) -> None:
    as_json = client.post(
        PAIR,
        json={
            "image_a": base64.b64encode(both).decode(),
            "image_b": base64.b64encode(hopper).decode(),
            "several_faces": "largest",
        },
    )
    as_form = client.post(PAIR, files={"image_a": both, "image_b": hopper}, data={"several_faces": "largest"})
    with_identity = client.post(
        f"{_enrolled(client, hopper)}/verify", files={"image": both}, data={"several_faces": "largest"}
    )

    for answer in (as_json, as_form, with_identity):
        assert answer.status_code == 200, answer.text
        assert answer.json()["matched"]
        assert answer.json()["faces"][0]["faces_found"] == 2
        box = answer.json()["faces"][0]["box"]
        assert box["x"] + box["width"] / 2 < pixels(hopper).shape[1], "Grace Hopper's, on the left"
    assert [face["faces_found"] for face in as_json.json()["faces"]] == [2, 1]


def test_the_answer_has_the_number_of_faces_of_each_picture(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    answer = client.post(PAIR, files={"image_a": hopper, "image_b": collins}).json()

    assert [face["faces_found"] for face in answer["faces"]] == [1, 1]


def test_a_value_other_than_reject_or_largest_is_rejected(client: TestClient, hopper: bytes) -> None:
    answer = client.post(
        PAIR, files={"image_a": hopper, "image_b": hopper}, data={"several_faces": "smallest"}
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert "several_faces" in answer.json()["detail"]


def test_the_command_says_how_many_faces_each_photograph_had_and_which_was_compared(
    tmp_path: Path, hopper: bytes, both: bytes
) -> None:
    home = Home(tmp_path)
    one, two = tmp_path / "one.jpg", tmp_path / "two.jpg"
    one.write_bytes(hopper)
    two.write_bytes(both)

    rejected = " ".join(home.run("verify", one, two, status=1).stderr.split())
    assert f"{two}: found 2 faces; `--several-faces largest` compares the largest (several_faces)" in rejected

    answer: dict[str, Any] = home.json("verify", one, two, "--several-faces", "largest")
    assert answer["matched"]
    assert (answer["image_a"], answer["image_b"]) == (str(one), str(two))
    assert [face["faces_found"] for face in answer["faces"]] == [1, 2]
    assert answer["faces"][1]["box"]["width"] > 0
    said = home.run("verify", one, two, "--several-faces", "largest").stdout
    assert "two.jpg: 2 faces" in said
    assert "fewer than one pair of strangers in 100,000 scores as high" in said


def _enrolled(client: TestClient, image: bytes) -> str:
    """The URL of an identity with one face."""
    client.post("/v1/galleries", json={"name": "staff"})
    made = client.post("/v1/galleries/staff/identities", files={"images": image}).json()
    return f"/v1/galleries/staff/identities/{made['id']}"
