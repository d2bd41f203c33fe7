"""Ordinary photographs of a few people, some with two faces; they are not part of the repository."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import enrol, identify, matched_names
from tests.support.pictures import shared

EXPECTED = {
    "alex_lacamoire1.jpg": {"alex_lacamoire"},
    "johnsnow_test1.jpg": {"kit_harington"},
    "kit_with_rose.jpg": {"kit_harington", "rose_leslie"},
    "obama1.jpg": {"obama"},
    "obama_and_biden.jpg": {"obama", "biden"},
    "two_people.jpg": {"obama", "biden"},
}
"""Who is in each of the probes."""


@pytest.fixture(scope="module")
def people(api: TestClient) -> Iterator[str]:
    """A gallery of everybody in the collection, each from all their pictures."""
    name = f"photos-{uuid4().hex}"
    api.post("/v1/galleries", json={"name": name})
    for folder in sorted(shared("data/photos/gallery").iterdir()):
        pictures = [picture.read_bytes() for picture in sorted(folder.iterdir())]
        enrolled = enrol(api, name, *pictures, name=folder.name, external_id=folder.name)
        assert enrolled["rejected"] == []
    yield name
    api.delete(f"/v1/galleries/{name}")


@pytest.mark.parametrize("probe", EXPECTED)
def test_the_people_of_a_photograph_are_found(api: TestClient, people: str, probe: str) -> None:
    """All who are expected, and nobody else, though there may be strangers in the background."""
    picture = shared(f"data/photos/probes/{probe}").read_bytes()
    answer = identify(api, people, picture, max_faces=10)
    found = [name for face in answer["faces"] for name in matched_names(face)]

    assert sorted(found) == sorted(EXPECTED[probe])


def test_a_stranger_is_nobody(api: TestClient, people: str, hopper: bytes, collins: bytes) -> None:
    for stranger in (hopper, collins):
        [face] = identify(api, people, stranger)["faces"]

        assert face["candidates"]
        assert matched_names(face) == []


def test_every_probe_is_in_the_table(people: str) -> None:
    assert {p.name for p in shared("data/photos/probes").iterdir()} == set(EXPECTED)
