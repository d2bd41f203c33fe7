"""One server for the tests of a module, and imports over HTTP as a program does them."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.settings import Settings
from service.app import create_app
from tests.support.home import wait_for
from tests.support.pictures import jpeg, pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    client: TestClient
    gallery: str = field(default_factory=lambda: f"test-{uuid4().hex}")

    def __post_init__(self) -> None:
        self.client.post("/v1/galleries", json={"name": self.gallery}).raise_for_status()

    @property
    def path(self) -> str:
        return f"/v1/galleries/{self.gallery}/imports"

    def create(self, **options: Any) -> str:
        answer = self.client.post(self.path, json=options)
        assert answer.status_code in (200, 201), answer.text
        found: str = answer.json()["id"]
        return found

    def send(self, id: str, files: Mapping[str, bytes], entries: Sequence[Any] | None = None) -> Any:
        answer = self.client.post(
            f"{self.path}/{id}/files",
            files=[("files", (name, data)) for name, data in files.items()],
            data=None if entries is None else {"entries": json.dumps(entries)},
        )
        assert answer.status_code == 202, answer.text
        return answer.json()

    def send_raw(self, id: str, body: bytes, kind: str) -> Any:
        return self.client.post(f"{self.path}/{id}/files", content=body, headers={"Content-Type": kind})

    def send_zip(self, id: str, files: Mapping[str, bytes]) -> Any:
        answer = self.send_raw(id, zipped(files), "application/zip")
        assert answer.status_code == 202, answer.text
        return answer.json()

    def send_lines(self, id: str, lines: Sequence[Any]) -> Any:
        body = "\n".join(json.dumps(line) for line in lines).encode()
        answer = self.send_raw(id, body, "application/x-ndjson")
        assert answer.status_code == 202, answer.text
        return answer.json()

    def get(self, id: str) -> Any:
        return self.client.get(f"{self.path}/{id}").raise_for_status().json()

    def act(self, id: str, what: str) -> Any:
        return self.client.post(f"{self.path}/{id}/{what}").raise_for_status().json()

    def finish(self, id: str) -> Any:
        """Waits until it has ended."""
        self.act(id, "finish")
        wait_for(lambda: self.get(id)["state"] == "done", 60)
        return self.get(id)

    def files(self, id: str, **query: Any) -> dict[str, Any]:
        """By name."""
        answer = self.client.get(f"{self.path}/{id}/files", params={"limit": 1000, **query})
        return {file["name"]: file for file in answer.raise_for_status().json()["files"]}

    def outcomes(self, id: str) -> dict[str, tuple[str, str | None]]:
        return {name: (file["state"], file["code"]) for name, file in self.files(id).items()}

    def people(self) -> dict[str, int]:
        """Faces by external id."""
        answer = self.client.get(f"/v1/galleries/{self.gallery}/identities", params={"limit": 1000})
        return {one["external_id"]: one["faces_total"] for one in answer.json()["identities"]}


def zipped(files: Mapping[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return body.getvalue()


def line(external_id: str, picture: bytes, **more: Any) -> dict[str, Any]:
    return {"external_id": external_id, "image": base64.b64encode(picture).decode(), **more}


@pytest.fixture(scope="module")
def import_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def service(
    migrated: str, tmp_path_factory: pytest.TempPathFactory, import_folder: Path
) -> Iterator[TestClient]:
    settings = Settings(
        database_url=migrated,
        home=tmp_path_factory.mktemp("home"),
        max_upload_mb=4,
        threads=4,
        import_folder=import_folder,
    )
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def importer(service: TestClient) -> Importer:
    return Importer(client=service)


@pytest.fixture(scope="session")
def small(hopper: bytes, collins: bytes) -> tuple[bytes, bytes]:
    """Both portraits at half their sides, which are quicker to search for a face."""
    first, second = (np.ascontiguousarray(pixels(data)[::2, ::2]) for data in (hopper, collins))
    return jpeg(first), jpeg(second)
