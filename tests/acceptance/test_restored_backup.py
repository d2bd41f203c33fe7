"""A backup is restored under a running server: over HTTP, with real faces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from indexer.records import embedded
from tests.support.faults import backups
from tests.support.home import Home, wait_for

PATH = "/v1/galleries/staff"


@pytest.fixture
def home(tmp_path: Path, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path, cluster=migrated_cluster) as home:
        yield home


def enrol(client: httpx2.Client, name: str, image: bytes) -> None:
    answer = client.post(f"{PATH}/identities", files={"images": image}, data={"name": name})
    assert answer.status_code == 201, answer.text


def candidates(client: httpx2.Client, image: bytes) -> list[dict[str, Any]]:
    """The answer, or 503 and a second attempt, as a client would make it."""
    while True:
        answer = client.post(f"{PATH}/identify", files={"image": image})
        if answer.status_code == 503:
            assert answer.json()["code"] == "index_not_ready"
            continue
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["faces"][0]["candidates"]
        return found


def matched(client: httpx2.Client, image: bytes) -> set[str]:
    return {found["identity"]["name"] for found in candidates(client, image) if found["matched"]}


def reported_digest(client: httpx2.Client) -> str | None:
    """Of the index at change 2, as the server last reported it. `index verify` compares it, too."""
    [gallery] = client.get("/v1/indexes").raise_for_status().json()["galleries"]
    return next((replica["digest"] for replica in gallery["replicas"] if replica["applied"] == 2), None)


def test_after_a_backup_is_restored_nobody_is_identified_as_somebody_who_came_later(
    home: Home, hopper: bytes, collins: bytes
) -> None:
    """Collins is enrolled after the backup, as change 2; after the restore change 2 is another person."""
    with home.server() as (base, _), httpx2.Client(base_url=base, timeout=60) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        enrol(client, "Hopper", hopper)
        url = embedded.start(home.folder)
        backup = backups.dump(home.folder, url)
        enrol(client, "Collins", collins)
        home.run("index", "snapshot", "--gallery", "staff")
        assert matched(client, collins) == {"Collins"}
        wait_for(lambda: reported_digest(client) is not None)
        before = reported_digest(client)

        backups.restore(home.folder, url, backup)
        enrol(client, "Somebody else", hopper)

        assert matched(client, collins) == set()
        assert matched(client, hopper) == {"Hopper", "Somebody else"}
        assert "another history" in (home.folder / "server.log").read_text()
        wait_for(lambda: reported_digest(client) not in (None, before))
        [verified] = home.json("index", "verify")
        assert verified["clean"]
        assert verified["count"] == 2
        assert "another history" in verified["foreign"][0]

    with home.server() as (base, _), httpx2.Client(base_url=base, timeout=60) as client:
        assert matched(client, collins) == set()
        assert matched(client, hopper) == {"Hopper", "Somebody else"}
