"""A gallery that has something to show on each page."""

from pathlib import Path

from indexer import samples
from tests.support.browser.client import ApiClient

GALLERY = "staff"


def fill(api: ApiClient, *, people: Path | None = None) -> dict[str, str]:
    """What stands for the `:names` of the routes' paths: see `Route.address`.

    `people`: a folder with a folder of photographs for each person, besides the sample portraits.
    """
    portraits = [samples.read(sample.id)[1] for sample in samples.installed()]
    hopper, collins, *_ = portraits
    gallery = api.create_gallery(GALLERY)
    person = api.enrol(
        gallery,
        "Grace Hopper",
        hopper,
        external_id="4711",
        metadata={"rank": "Rear admiral", "ship": "Hopper"},
    )
    api.enrol(gallery, "Eileen Collins", collins, external_id="4712", metadata={"rank": "Colonel"})
    api.enrol(gallery, "Ada Lovelace")
    for folder in sorted(people.iterdir()) if people else []:
        pictures = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))[:2]]
        api.enrol(gallery, folder.name.replace("_", " "), *pictures, several_faces="largest")
    api.patch(f"/v1/galleries/{gallery}", json={"duplicate_check": "review"})
    api.enrol(gallery, "G. M. Hopper", hopper, metadata={"note": "enrolled twice"})
    for portrait in (hopper, collins, hopper):
        api.identify(gallery, portrait)
    job = api.post("/v1/reindexes", json={"gallery": gallery, "to": "dlib-resnet"}).json()
    imported = api.post(f"/v1/galleries/{gallery}/imports", json={"name": "Badges"}).json()
    [search, *_] = api.get("/v1/audit", params={"action": "search.identified", "limit": 1}).json()["events"]
    return {
        "gallery": gallery,
        "person.id": person["id"],
        "event.id": search["id"],
        "reindex.id": job["id"],
        "import.id": imported["id"],
    }
