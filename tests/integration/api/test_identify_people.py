"""Whom a search returns where people have many faces, and where a picture shows people twice."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient

from benchmarks import face_vectors
from indexer.index.live import LiveIndex
from indexer.records import changes, galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import faces
from indexer.records.enrolled.owners import Owner, find_owners
from indexer.types import ChangeKind, NearPerson, Vectors
from indexer.usecases.searches import nearest
from tests.support.home import Home
from tests.support.many_faces import enrol
from tests.support.pictures import jpeg, pixels
from tests.support.strangers import CARD

IDENTIFY = "/v1/galleries/staff/identify"
SEARCH = "/v1/galleries/staff/search"


@pytest.fixture
def gallery(client: TestClient) -> UUID:
    return UUID(client.post("/v1/galleries", json={"name": "staff"}).json()["id"])


def around(vector: Vectors, count: int, seed: int) -> Vectors:
    """So many faces of one person."""
    noise = np.random.default_rng(seed).standard_normal((count, len(vector))).astype(np.float32)
    vectors = vector + 0.05 * noise
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def names(answer: Any) -> list[str]:
    return [candidate["identity"]["name"] for candidate in answer["candidates"]]


def test_everybody_of_a_gallery_is_a_candidate_whatever_their_number_of_faces(
    client: TestClient, database: Database, gallery: UUID
) -> None:
    centres = face_vectors.gallery(4, 1)
    for number, (centre, count) in enumerate(zip(centres, (700, 300, 1, 2), strict=True)):
        enrol(database, gallery, str(number), around(centre, count, number))

    answer = client.post(SEARCH, json={"embedding": centres[0].tolist()}).json()

    assert answer["gallery_size"] == 1_003
    assert sorted(names(answer)) == ["0", "1", "2", "3"]
    assert names(answer)[0] == "0"
    scores = [candidate["score"] for candidate in answer["candidates"]]
    assert scores == sorted(scores, reverse=True)


def test_no_search_reads_the_thousands_of_faces_that_one_person_has(
    client: TestClient, database: Database, gallery: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    [centre] = face_vectors.gallery(1, 2)
    enrol(database, gallery, "Grace", around(centre, 1_000, 3))
    read: list[int] = []

    def counting(session: Session, gallery_id: UUID, keys: Collection[int]) -> dict[int, Owner]:
        read.append(len(keys))
        return find_owners(session, gallery_id, keys)

    monkeypatch.setattr(nearest, "find_owners", counting)

    answer = client.post(SEARCH, json={"embedding": centre.tolist(), "max_candidates": 20}).json()

    assert names(answer) == ["Grace"]
    assert read == [1]


def test_a_person_whose_nearest_face_is_deleted_during_the_search_is_found_by_another(
    client: TestClient, database: Database, gallery: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    [centre] = face_vectors.gallery(1, 2)
    person = enrol(database, gallery, "Grace", around(centre, 3, 3))
    search = LiveIndex.search_identities
    deleted: list[int] = []

    def search_then_delete(index: LiveIndex, probes: Vectors, k: int) -> list[list[NearPerson]]:
        found = search(index, probes, k)
        if not deleted:
            deleted.append(found[0][0].key)
            with database.transaction() as session:
                galleries.lock(session, gallery)
                faces.remove(session, deleted)
                changes.append(session, gallery, ChangeKind.DELETE, deleted)
        return found

    monkeypatch.setattr(LiveIndex, "search_identities", search_then_delete)

    answer = client.post(SEARCH, json={"embedding": centre.tolist()}).json()

    assert deleted
    assert [candidate["identity"]["id"] for candidate in answer["candidates"]] == [str(person)]
    assert answer["gallery_size"] == 2


def test_the_faces_of_a_person_are_read_for_a_comparison_in_batches(
    client: TestClient, database: Database, gallery: UUID
) -> None:
    vectors = face_vectors.gallery(7, 5)
    person = enrol(database, gallery, "Grace", vectors)

    with database.reading() as session:
        batches = list(faces.read_vectors(session, person, CARD.fingerprint, at_once=3))

    assert [len(ids) for ids, _ in batches] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([batch for _, batch in batches]), vectors)
    assert len({one for ids, _ in batches for one in ids}) == 7


@pytest.fixture(scope="module")
def twice(hopper: bytes) -> bytes:
    """Grace Hopper and, smaller and less sharp beside her, Grace Hopper."""
    large, small = pixels(hopper), pixels(hopper)[::2, ::2]
    canvas = np.full((large.shape[0], large.shape[1] + small.shape[1], 3), 128, np.uint8)
    canvas[:, : large.shape[1]] = large
    canvas[: small.shape[0], large.shape[1] :] = small
    return jpeg(canvas)


@pytest.fixture
def staff(client: TestClient, gallery: UUID, hopper: bytes, collins: bytes) -> TestClient:
    for name, image in (("Grace", hopper), ("Eileen", collins)):
        path = "/v1/galleries/staff/identities"
        client.post(path, files={"images": image}, data={"name": name}).raise_for_status()
    return client


@pytest.mark.parametrize("most", [1, 5])
def test_with_unique_identities_each_person_goes_to_the_face_that_resembles_them_most(
    staff: TestClient, twice: bytes, most: int
) -> None:
    answer = staff.post(
        IDENTIFY,
        files={"image": twice},
        data={"max_faces": 5, "max_candidates": most, "unique_identities": "true"},
    ).json()

    large, small = answer["faces"]
    assert names(large)[0] == "Grace"
    assert large["candidates"][0]["matched"]
    everybody = names(large) + names(small)
    assert len(set(everybody)) == len(everybody), "nobody twice"
    if most == 1:
        assert names(small) == ["Eileen"], "the nearest of the others, with her own score"
        assert not small["candidates"][0]["matched"]


def test_without_it_a_person_who_is_in_the_picture_twice_is_found_twice(
    staff: TestClient, twice: bytes
) -> None:
    answer = staff.post(IDENTIFY, files={"image": twice}, data={"max_faces": 5}).json()

    assert [names(face)[0] for face in answer["faces"]] == ["Grace", "Grace"]


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path, hopper: bytes, collins: bytes
) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    for name, image in (("Grace", hopper), ("Eileen", collins)):
        (folder / "people" / name).mkdir(parents=True)
        (folder / "people" / name / "1.jpg").write_bytes(image)
    with Home(folder, cluster=migrated_cluster) as home:
        home.run("enrol", folder / "people", "-g", "staff")
        yield home


def test_the_command_gives_each_person_to_one_face_too(home: Home, twice: bytes, tmp_path: Path) -> None:
    picture = tmp_path / "twice.jpg"
    picture.write_bytes(twice)

    [both] = home.json("identify", picture, "-g", "staff")
    [unique] = home.json("identify", picture, "-g", "staff", "--unique-identities")

    assert [names(face) for face in both["faces"]] == [["Grace"], ["Grace"]]
    assert [names(face) for face in unique["faces"]] == [["Grace"], ["Eileen"]]
