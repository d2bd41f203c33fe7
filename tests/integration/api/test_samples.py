"""The sample portraits over HTTP."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from indexer import samples
from tests.support.asking import assert_problem, files
from tests.support.pictures import pixels


def test_every_sample_is_a_picture_of_one_person_who_is_found_by_it(client: TestClient) -> None:
    listed = client.get("/v1/samples").json()["samples"]
    assert [sample["title"] for sample in listed] == ["Grace Hopper", "Eileen Collins"]
    client.post("/v1/galleries", json={"name": "staff"})
    for sample in listed:
        picture = client.get(f"/v1/samples/{sample['id']}")
        assert picture.headers["content-type"] == sample["media_type"]
        enrolled = client.post(
            "/v1/galleries/staff/identities",
            data={"name": sample["title"]},
            files=files("images", picture.content),
        )
        assert enrolled.status_code == 201, "it would be rejected if it showed several faces"
    for sample in listed:
        again = client.get(f"/v1/samples/{sample['id']}").content
        answer = client.post("/v1/galleries/staff/identify", files=files("image", again)).json()
        first = answer["faces"][0]["candidates"][0]
        assert (first["matched"], first["identity"]["name"]) == (True, sample["title"])


def test_a_sample_whose_package_is_not_installed_is_not_offered(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hopper, collins = samples.SAMPLES
    monkeypatch.setattr(samples, "SAMPLES", (hopper, replace(collins, package="no_such_package")))

    assert [sample["id"] for sample in client.get("/v1/samples").json()["samples"]] == ["grace-hopper"]
    assert_problem(client.get("/v1/samples/eileen-collins"), 404, "sample_not_found")


def test_a_sample_to_look_at_is_small(client: TestClient) -> None:
    picture = client.get("/v1/samples/eileen-collins?size=96")
    assert picture.headers["content-type"] == "image/jpeg"
    assert pixels(picture.content).shape == (96, 96, 3)
    assert_problem(client.get("/v1/samples/eileen-collins?size=10000"), 422)


@pytest.mark.parametrize("name", ["nobody", "..%2f..%2fetc%2fpasswd", "grace-hopper.jpg"])
def test_no_other_file_is_a_sample(client: TestClient, name: str) -> None:
    assert client.get(f"/v1/samples/{name}").status_code == 404
