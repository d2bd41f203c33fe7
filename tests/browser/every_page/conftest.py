"""People whom the pages show, and what stands for the `:names` in their addresses."""

from collections.abc import Iterator

import pytest

from tests.support.browser.client import ApiClient


@pytest.fixture(scope="module")
def parts(server: str, hopper: bytes, collins: bytes) -> Iterator[dict[str, str]]:
    with ApiClient(server) as api:
        gallery = api.create_gallery("staff")
        person = api.enrol(
            gallery, "Grace Hopper", hopper, external_id="4711", metadata={"rank": "Rear admiral"}
        )
        api.enrol(gallery, "Eileen Collins", collins)
        api.enrol(gallery, "Ada Lovelace")
        job = api.post("/v1/reindexes", json={"gallery": gallery, "to": "dlib-resnet"}).json()
        imported = api.post(f"/v1/galleries/{gallery}/imports", json={"name": "Badges"}).json()
        [event] = api.get("/v1/audit", params={"limit": 1}).json()["events"]
        yield {
            "gallery": gallery,
            "person.id": person["id"],
            "event.id": event["id"],
            "reindex.id": job["id"],
            "import.id": imported["id"],
        }
        api.delete_galleries()
