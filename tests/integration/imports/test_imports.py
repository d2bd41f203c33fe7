"""People are enrolled in bulk, and each file is accounted for."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.testclient import TestClient

from tests.integration.imports.conftest import Importer, line

Pair = tuple[bytes, bytes]


def test_a_folder_that_is_sent_in_several_requests_is_enrolled_and_every_file_is_accounted_for(
    importer: Importer, small: Pair, nobody: bytes
) -> None:
    grace, eileen = small
    id = importer.create(name="Badges", files=6)
    importer.send(id, {"Grace_Hopper/1.jpg": grace, "Grace_Hopper/again.jpg": grace})
    importer.send(
        id,
        {
            "Eileen_Collins/1.jpg": eileen,
            "Eileen_Collins/2.jpg": nobody,
            "Eileen_Collins/3.jpg": b"no picture",
            "notes.txt": b"hello",
        },
    )

    done = importer.finish(id)

    assert importer.outcomes(id) == {
        "Grace_Hopper/1.jpg": ("enrolled", None),
        "Grace_Hopper/again.jpg": ("known", "duplicate_image"),
        "Eileen_Collins/1.jpg": ("enrolled", None),
        "Eileen_Collins/2.jpg": ("rejected", "no_face_found"),
        "Eileen_Collins/3.jpg": ("rejected", "unsupported_image_format"),
        "notes.txt": ("skipped", "not_a_picture"),
    }
    assert importer.people() == {"Grace_Hopper": 1, "Eileen_Collins": 1}
    assert (done["people"], done["people_enrolled"], done["waiting_bytes"]) == (2, 2, 0)
    assert done["summary"] == "2 of 2 people enrolled, 2 files rejected, 1 file skipped"
    assert done["reasons"] == {
        "no_face_found": 1,
        "unsupported_image_format": 1,
        "duplicate_image": 1,
        "not_a_picture": 1,
    }


def test_a_rejected_picture_can_be_looked_at_and_an_enrolled_one_is_gone(
    importer: Importer, small: Pair, nobody: bytes
) -> None:
    id = importer.create()
    importer.send(id, {"Grace/1.jpg": small[0], "Grace/2.jpg": nobody, "Grace/3.jpg": b"\xff\xd8 broken"})
    importer.finish(id)
    files = importer.files(id)

    pictures = {
        name: importer.client.get(f"{importer.path}/{id}/files/{file['id']}/picture")
        for name, file in files.items()
    }

    assert {name: file["has_picture"] for name, file in files.items()} == {
        "Grace/1.jpg": False,
        "Grace/2.jpg": True,
        "Grace/3.jpg": False,
    }
    assert pictures["Grace/2.jpg"].headers["content-type"] == "image/jpeg"
    assert pictures["Grace/2.jpg"].content.startswith(b"\xff\xd8")
    assert [pictures[f"Grace/{n}.jpg"].json()["code"] for n in (1, 3)] == ["picture_not_stored"] * 2


def test_names_and_metadata_come_from_the_entries_that_the_client_sends(
    importer: Importer, small: Pair
) -> None:
    id = importer.create()
    importer.send(
        id,
        {"4711.jpg": small[0], "4712.jpg": small[1]},
        [
            {"file": "4711.jpg", "external_id": "4711", "name": "Grace Hopper", "metadata": {"floor": 3}},
            {"file": "4712.jpg", "external_id": "4712"},
        ],
    )
    importer.finish(id)

    people = importer.client.get(f"/v1/galleries/{importer.gallery}/identities").json()["identities"]
    assert {(p["external_id"], p["name"]) for p in people} == {("4711", "Grace Hopper"), ("4712", None)}
    assert {p["external_id"]: p["metadata"] for p in people}["4711"] == {"floor": 3}


def test_lines_of_ndjson_are_enrolled_and_a_wrong_line_is_skipped_with_its_reason(
    importer: Importer, small: Pair
) -> None:
    id = importer.create()
    received = importer.send_lines(
        id,
        [
            line("4711", small[0], name="Grace Hopper"),
            {"external_id": "4712", "image": "not base64!"},
            {"external_id": "4713", "picture": "x"},
            ["a list"],
        ],
    )

    importer.finish(id)

    assert received == {"files": 4, "added": 4, "skipped": 3}
    states = sorted(importer.outcomes(id).items())
    assert states[0] == ("4711", ("enrolled", None))
    assert [outcome for _, outcome in states[1:]] == [("skipped", "invalid_request")] * 3
    assert importer.people() == {"4711": 1}


def test_each_file_can_be_named_after_its_person(importer: Importer, small: Pair) -> None:
    id = importer.create(people_by="file")
    importer.send(id, {"badges/4711.jpg": small[0], "Eileen_Collins.jpg": small[1]})
    importer.finish(id)

    assert importer.people() == {"4711": 1, "Eileen_Collins": 1}


def test_a_file_that_is_sent_again_is_not_added_again(importer: Importer, small: Pair) -> None:
    id = importer.create()
    files = {"Grace/1.jpg": small[0], "Eileen/1.jpg": small[1]}
    first, second = importer.send(id, files), importer.send(id, files)
    importer.finish(id)

    assert (first["added"], second["added"]) == (2, 0)
    assert importer.people() == {"Grace": 1, "Eileen": 1}


def test_the_same_key_gives_the_same_import_also_at_once(importer: Importer) -> None:
    def create(_: int) -> Any:
        return importer.client.post(importer.path, json={"key": "january", "name": "Badges"})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(create, range(8)))
    by_header = importer.client.post(importer.path, json={}, headers={"Idempotency-Key": "january"})
    other = importer.client.post(importer.path, json={"key": "january", "people_by": "file"})

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in [*answers, by_header]}) == 1
    assert (other.status_code, other.json()["code"]) == (409, "import_exists")


def test_a_second_import_of_the_same_people_finds_them_known(importer: Importer, small: Pair) -> None:
    for state in ("enrolled", "known"):
        id = importer.create()
        importer.send(id, {"Grace/1.jpg": small[0]})
        done = importer.finish(id)

        assert done["counts"][state] == done["people_enrolled"] == 1
    assert importer.people() == {"Grace": 1}


def test_a_finished_import_takes_no_more_files_and_finishing_again_changes_nothing(
    importer: Importer, small: Pair
) -> None:
    id = importer.create()
    importer.finish(id)

    answer = importer.client.post(f"{importer.path}/{id}/files", files=[("files", ("G/1.jpg", small[0]))])

    assert (answer.status_code, answer.json()["code"]) == (409, "import_state")
    assert importer.act(id, "finish")["state"] == "done"


def test_an_import_belongs_to_its_gallery(importer: Importer, service: TestClient) -> None:
    id, other = importer.create(), Importer(client=service)

    assert service.get(f"{other.path}/{id}").json()["code"] == "import_not_found"
    assert other.client.get(other.path).json()["imports"] == []
    assert [one["id"] for one in importer.client.get(importer.path).json()["imports"]] == [id]


def test_people_whom_the_duplicate_check_rejects_are_rejected_with_whom_they_look_like(
    importer: Importer, small: Pair
) -> None:
    gallery = f"/v1/galleries/{importer.gallery}"
    importer.client.patch(gallery, json={"duplicate_check": "reject"}).raise_for_status()
    first = importer.create()
    importer.send(first, {"Grace/1.jpg": small[0]})
    importer.finish(first)
    second, third = importer.create(), importer.create(allow_duplicates=True)
    for id in (second, third):
        importer.send(id, {"Amazing/1.jpg": small[0]})
        importer.finish(id)

    rejected = importer.files(second)["Amazing/1.jpg"]
    assert (rejected["state"], rejected["code"]) == ("rejected", "duplicate_identity")
    assert "Grace" in rejected["message"]
    assert importer.people() == {"Grace": 1, "Amazing": 1}

    importer.client.delete(f"{gallery}/identities/by-external-id/Grace").raise_for_status()
    forgotten = importer.files(second)["Amazing/1.jpg"]
    assert (forgotten["code"], "Grace" in forgotten["message"]) == ("duplicate_identity", False)
