"""`/v1/galleries/{gallery}/transfers`: an export is uploaded file by file, and imported."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.transfer import jobs
from indexer.settings import Settings
from indexer.transfer import folder
from indexer.transfer.archive.manifest import NAME
from service.app import create_app
from tests.support.audit import last_number, rows_after
from tests.support.home import wait_for
from tests.support.transfer.galleries import nobody, people, rows

FACES = "faces-000001.ndjson"
AT = "/v1/galleries/copy/transfers"


@pytest.fixture
def export(database: Database, tmp_path: Path) -> Iterator[Path]:
    people(database, "staff")
    folder.to_folder(database, "staff", tmp_path / "export", progress=nobody)
    yield tmp_path / "export"
    with database.transaction() as session:
        session.execute(text("TRUNCATE transfer CASCADE"))


def begin(client: TestClient, export: Path, at: str = AT, **options: Any) -> Any:
    return client.post(at, content=(export / NAME).read_bytes(), params=options)


def send(client: TestClient, export: Path, at: str, name: str) -> Any:
    return client.put(f"{at}/files/{name}", content=(export / name).read_bytes())


def upload(client: TestClient, export: Path, at: str = AT, **options: Any) -> dict[str, Any]:
    """The transfer at its end."""
    begun = begin(client, export, at, **options).raise_for_status().json()
    path = f"{at}/{begun['id']}"
    for name in begun["missing"]:
        assert send(client, export, path, name).status_code == 204
    return ended(client, path)


def ended(client: TestClient, path: str) -> dict[str, Any]:
    wait_for(lambda: client.get(path).json()["ended_at"] is not None, 60)
    found: dict[str, Any] = client.get(path).json()
    return found


def kept_bytes(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM transfer_part")) or 0


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(gallery.name for gallery in galleries.list_all(session))


def test_an_uploaded_export_is_imported_and_its_files_are_deleted(
    client: TestClient, database: Database, export: Path
) -> None:
    before = last_number(database)

    done = upload(client, export)

    assert (done["state"], done["code"], done["problem"]) == ("done", None, None)
    assert (done["figures"]["identities_created"], done["figures"]["faces_added"]) == (12, 20)
    assert (done["figures"]["done"], done["figures"]["faces"]) == (20, 20)
    assert done["figures"]["new_ids"] == 12, "staff has their ids"
    assert rows(database, "copy") == rows(database, "staff")
    wait_for(lambda: kept_bytes(database) == 0, 10)
    actions = [row["action"] for row in rows_after(database, before)]
    assert actions == [
        "transfer.started",
        "gallery.created",
        "gallery.import_started",
        "calibration.stored",
        "gallery.imported",
    ]
    assert client.get(AT).json()["transfers"] == [done]


def test_after_a_broken_upload_only_the_missing_files_are_sent(
    client: TestClient, database: Database, export: Path
) -> None:
    first = begin(client, export)
    path = f"{AT}/{first.json()['id']}"
    half = first.json()["missing"][::2]
    for name in half:
        send(client, export, path, name)
        assert send(client, export, path, name).status_code == 204, "once more"

    again = begin(client, export)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["missing"] == sorted(set(first.json()["missing"]) - set(half))
    for name in again.json()["missing"]:
        send(client, export, path, name)
    assert ended(client, path)["state"] == "done"
    assert rows(database, "copy") == rows(database, "staff")


def test_damaged_and_foreign_files_are_rejected_when_they_arrive(
    client: TestClient, database: Database, export: Path
) -> None:
    path = f"{AT}/{begin(client, export).json()['id']}"
    data = (export / FACES).read_bytes()

    def answer(name: str, content: bytes) -> tuple[int, str]:
        answer = client.put(f"{path}/files/{name}", content=content)
        return answer.status_code, answer.json()["code"]

    assert answer(FACES, data[:-1]) == (422, "archive_damaged")
    assert answer(FACES, b"x" + data[1:]) == (422, "archive_damaged")
    assert answer("elsewhere", data) == (422, "archive_invalid")
    assert answer(NAME, data) == (422, "archive_invalid")
    assert answer("%00", data) == (422, "archive_invalid")
    assert kept_bytes(database) == 0
    assert FACES in client.get(path).json()["missing"]


def test_a_gallery_has_one_open_transfer(client: TestClient, database: Database, export: Path) -> None:
    begin(client, export).raise_for_status()
    assert begin(client, export, model="dlib-resnet").json()["code"] == "transfer_exists"

    people(database, "others", 3, seed=1)
    folder.to_folder(database, "others", export.parent / "others", progress=nobody)
    assert begin(client, export.parent / "others").json()["code"] == "transfer_exists"
    assert begin(client, export, "/v1/galleries/second/transfers").status_code == 201


@pytest.mark.parametrize(
    ("at", "options", "code"),
    [
        ("/v1/galleries/staff/transfers", {}, "gallery_exists"),
        (AT, {"existing": True}, "gallery_not_found"),
        ("/v1/galleries/a%20b/transfers", {}, "invalid_request"),
        (AT, {"join": True}, "invalid_request"),
        (AT, {"model": "none-such"}, "invalid_request"),
        (AT, {"model": "onnx:/etc/passwd"}, "invalid_request"),
        (AT, {"model": "a\0b"}, "invalid_request"),
        ("/v1/galleries/a%00b/transfers", {}, "invalid_request"),
        ("/v1/galleries/staff/transfers", {"existing": True, "model": "dlib-resnet"}, "invalid_request"),
    ],
)
def test_what_cannot_be_imported_is_rejected_before_the_upload(
    client: TestClient, export: Path, at: str, options: dict[str, Any], code: str
) -> None:
    assert begin(client, export, at, **options).json()["code"] == code
    assert client.post(AT, content=b"[" * 1_000_000).json()["code"] == "archive_invalid"


def test_an_export_with_wrong_content_fails_and_leaves_nothing(
    client: TestClient, database: Database, export: Path
) -> None:
    lines = (export / FACES).read_text().splitlines()
    first = json.loads(lines[0]) | {"identity_id": "019c8f2e-5f0e-7d3a-b1c4-2f4d6a8b0c1e"}
    data = "\n".join([json.dumps(first), *lines[1:], ""]).encode()
    (export / FACES).write_bytes(data)
    manifest = json.loads((export / NAME).read_text())
    [file] = [file for file in manifest["files"] if file["name"] == FACES]
    file |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (export / NAME).write_text(json.dumps(manifest))

    done = upload(client, export)

    assert (done["state"], done["code"]) == ("failed", "archive_invalid")
    assert "of an identity that the export does not have" in done["problem"]
    assert names(database) == ["staff"]
    wait_for(lambda: kept_bytes(database) == 0, 10)


def test_people_are_added_to_an_existing_gallery(
    client: TestClient, database: Database, export: Path
) -> None:
    people(database, "copy", 3, seed=1)

    done = upload(client, export, existing=True)

    assert done["state"] == "done"
    with database.reading() as session:
        assert galleries.get(session, "copy").face_count == 20 + 5
    taken = upload(client, export, "/v1/galleries/staff/transfers", existing=True)
    assert (taken["figures"]["identities_there"], taken["figures"]["faces_added"]) == (12, 0)


def test_a_cancelled_transfer_leaves_no_files_and_can_begin_again(
    client: TestClient, database: Database, export: Path
) -> None:
    path = f"{AT}/{begin(client, export).json()['id']}"
    send(client, export, path, FACES)

    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"

    assert client.post(f"{path}/cancel").status_code == 200
    assert send(client, export, path, "crops-000001.bin").json()["code"] == "transfer_state"
    wait_for(lambda: kept_bytes(database) == 0, 10)
    assert upload(client, export)["state"] == "done"
    assert client.post(f"{AT}/{path[-36:]}/cancel").status_code == 200
    assert names(database) == ["copy", "staff"]


def test_a_transfer_for_which_nothing_arrives_for_a_day_has_failed(
    client: TestClient, database: Database, export: Path
) -> None:
    path = f"{AT}/{begin(client, export).json()['id']}"
    with database.transaction() as session:
        session.execute(text("UPDATE transfer SET updated_at = now() - interval '25 hours'"))
        jobs.expire(session, jobs.IDLE)

    found = client.get(path).json()
    assert (found["state"], found["problem"]) == ("failed", "no file of the export arrived for a day")


@pytest.fixture
def small(settings: Settings, export: Path) -> Iterator[TestClient]:
    """A server with room for one and a half exports."""
    size = json.loads((export / NAME).read_text())["counts"]["bytes"]
    limited = settings.model_copy(update={"transfer_waiting_mb": 1.5e-6 * size})
    with TestClient(create_app(limited), headers={"Host": "localhost"}) as client:
        yield client


def test_uploads_have_bounded_room(small: TestClient, database: Database, export: Path) -> None:
    begin(small, export).raise_for_status()
    second = begin(small, export, "/v1/galleries/second/transfers")
    assert (second.status_code, second.json()["code"]) == (503, "busy")

    people(database, "large", 36, seed=2)
    folder.to_folder(database, "large", export.parent / "large", progress=nobody)
    third = begin(small, export.parent / "large", "/v1/galleries/third/transfers")
    assert (third.status_code, third.json()["code"]) == (413, "upload_too_large")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/{id}"), ("PUT", "/{id}/files/" + FACES), ("POST", "/{id}/cancel")],
)
def test_a_name_that_no_gallery_can_have_is_rejected(client: TestClient, method: str, path: str) -> None:
    path = path.replace("{id}", "019c8f2e-5f0e-7d3a-b1c4-2f4d6a8b0c1e")
    answer = client.request(method, "/v1/galleries/a%00b/transfers" + path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
