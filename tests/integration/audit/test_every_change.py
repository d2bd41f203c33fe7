"""Every route and every command that changes something, searches, or reads a face leaves an event.

A new route fails here until it has a row in the table, and an event.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.audit.event import Action
from indexer.records.database.session import Database
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING, DUPLICATE_SEARCH
from indexer.records.people import reviews
from indexer.records.people.reviews import ReviewKind
from indexer.settings import Settings
from service.app import create_app
from tests.support import strangers
from tests.support.audit import last_number, rows_after
from tests.support.home import wait_for

ONE = "/v1/galleries/{gallery}"
PERSON = ONE + "/identities/{identity_id}"
EXTERNAL = ONE + "/identities/by-external-id/{external_id}"
SEARCH = "/v1/audit/{audit_id}"
IMPORTS = ONE + "/imports"
JOB = "/v1/reindexes/{job_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    path: str
    action: Action
    method: str = "POST"
    body: Callable[["World"], Any] = lambda world: None
    first: Action | None = None
    """Another event of the same request, before this one."""
    state: str | None = None
    """Of the re-index job before the request."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A gallery with a person, and an empty one with a re-index job."""

    picture: str
    names: dict[str, str] = field(default_factory=dict)


def image(world: World) -> dict[str, str]:
    return {"image": world.picture}


def images(world: World) -> dict[str, list[str]]:
    return {"images": [world.picture]}


def disputed(world: World) -> dict[str, object]:
    return {"face": 0, "identity_id": world.names["identity_id"]}


def manifest(files: list[dict[str, Any]]) -> dict[str, Any]:
    """Of an export without people."""
    time = "2026-01-31T09:30:00Z"
    return {
        "format": "gemel-gallery",
        "version": 1,
        "gemel": "1.0",
        "created_at": time,
        "gallery": {
            "id": str(uuid4()),
            "name": "staff",
            "created_at": time,
            "last_change": {"number": 0, "token": str(uuid4())},
        },
        "policy": {},
        "model": None,
        "calibrations": [],
        "counts": {"identities": 0, "faces": 0, "crops": 0, "distinct_pairs": 0, "bytes": 0},
        "files": files,
    }


def reason(_: World) -> dict[str, str]:
    return {"force": "a test"}


STEPS = {
    "create_gallery": Step(
        path="/v1/galleries", action=Action.GALLERY_CREATED, body=lambda _: {"name": f"new-{uuid4().hex}"}
    ),
    "update_gallery": Step(
        path=ONE, method="PATCH", action=Action.GALLERY_CHANGED, body=lambda _: {"identify_fpir": 0.02}
    ),
    "delete_gallery": Step(path=ONE, method="DELETE", action=Action.GALLERY_DELETED),
    "export_gallery": Step(path=ONE + "/export", method="GET", action=Action.GALLERY_EXPORTED),
    "create_transfer": Step(
        path=ONE + "/transfers?existing=true", action=Action.TRANSFER_STARTED, body=lambda _: manifest([])
    ),
    "cancel_transfer": Step(path=ONE + "/transfers/{transfer_id}/cancel", action=Action.TRANSFER_CHANGED),
    "enrol": Step(path=ONE + "/identities", action=Action.IDENTITY_ENROLLED, body=images),
    "update_identity": Step(
        path=PERSON, method="PATCH", action=Action.IDENTITY_CHANGED, body=lambda _: {"name": "Grace"}
    ),
    "delete_identity": Step(path=PERSON, method="DELETE", action=Action.IDENTITY_DELETED),
    "add_faces": Step(path=PERSON + "/faces", action=Action.FACES_ENROLLED, body=images),
    "delete_face": Step(path=PERSON + "/faces/{face_id}", method="DELETE", action=Action.FACE_DELETED),
    "get_face_crop": Step(path=PERSON + "/faces/{face_id}/crop", method="GET", action=Action.FACE_READ),
    "put_identity_by_external_id": Step(
        path=EXTERNAL, method="PUT", action=Action.IDENTITY_CHANGED, body=lambda _: {"name": "Hopper"}
    ),
    "update_identity_by_external_id": Step(
        path=EXTERNAL, method="PATCH", action=Action.IDENTITY_CHANGED, body=lambda _: {"metadata": {"a": 1}}
    ),
    "delete_identity_by_external_id": Step(path=EXTERNAL, method="DELETE", action=Action.IDENTITY_DELETED),
    "add_faces_by_external_id": Step(path=EXTERNAL + "/faces", action=Action.FACES_ENROLLED, body=images),
    "identify": Step(path=ONE + "/identify", action=Action.IDENTIFIED, body=image),
    "identify_in_several": Step(
        path="/v1/identify",
        action=Action.IDENTIFIED,
        body=lambda world: image(world) | {"galleries": [world.names["gallery"]]},
    ),
    "identify_stream": Step(
        path=ONE + "/identify/stream",
        action=Action.IDENTIFIED,
        body=image,
        headers={"Content-Type": "application/x-ndjson"},
    ),
    "search": Step(
        path=ONE + "/search", action=Action.SEARCHED, body=lambda _: {"embedding": [1.0] + [0.0] * 127}
    ),
    "verify": Step(
        path="/v1/verify",
        action=Action.VERIFIED,
        body=lambda world: {"image_a": world.picture, "image_b": world.picture},
    ),
    "verify_identity": Step(path=PERSON + "/verify", action=Action.VERIFIED, body=image),
    "verify_identity_by_external_id": Step(path=EXTERNAL + "/verify", action=Action.VERIFIED, body=image),
    "merge_identities": Step(
        path=PERSON + "/merge",
        action=Action.IDENTITIES_MERGED,
        body=lambda world: {"other": world.names["other_id"]},
    ),
    "split_identity": Step(
        path=PERSON + "/split",
        action=Action.IDENTITY_SPLIT,
        body=lambda world: {"faces": [world.names["face_id"]], "name": "Grace"},
    ),
    "move_face": Step(
        path=PERSON + "/faces/{face_id}/move",
        action=Action.FACES_MOVED,
        body=lambda world: {"to": world.names["other_id"]},
    ),
    "undo_people_change": Step(path=ONE + "/people-changes/{change_id}/undo", action=Action.UNDONE),
    "decide_same": Step(
        path=ONE + "/reviews/{review_id}/same",
        action=Action.REVIEW_DECIDED,
        first=Action.IDENTITIES_MERGED,
    ),
    "decide_different": Step(path=ONE + "/reviews/{review_id}/different", action=Action.REVIEW_DECIDED),
    "reopen_review": Step(path=ONE + "/reviews/{decided_id}/reopen", action=Action.REVIEW_DECIDED),
    "replay_search": Step(path=SEARCH + "/replay", action=Action.REPLAYED),
    "get_probe_crop": Step(path=SEARCH + "/faces/0/crop", method="GET", action=Action.FACE_READ),
    "forget_visitors": Step(path=ONE + "/visitors", method="DELETE", action=Action.VISITORS_FORGOTTEN),
    "delete_probes": Step(path=SEARCH + "/faces", method="DELETE", action=Action.PROBES_DELETED),
    "dispute_match": Step(path=SEARCH + "/disputes", action=Action.MATCH_DISPUTED, body=disputed),
    "withdraw_dispute": Step(
        path=SEARCH + "/disputes/{dispute_id}", method="DELETE", action=Action.MATCH_DISPUTED
    ),
    "create_import": Step(path=IMPORTS, action=Action.IMPORT_STARTED, body=lambda _: {"key": "january"}),
    "create_clustering": Step(
        path=ONE + "/clusterings", action=Action.CLUSTERING_STARTED, body=lambda _: {"dry_run": True}
    ),
    "cancel_clustering": Step(
        path=ONE + "/clusterings/{clustering_id}/cancel", action=Action.CLUSTERING_CHANGED
    ),
    "undo_clustering": Step(path=ONE + "/clusterings/{clustering_id}/undo", action=Action.CLUSTERING_CHANGED),
    "create_duplicate_search": Step(
        path=ONE + "/duplicate-searches", action=Action.DUPLICATE_SEARCH_STARTED, body=lambda _: {}
    ),
    "cancel_duplicate_search": Step(
        path=ONE + "/duplicate-searches/{search_id}/cancel", action=Action.DUPLICATE_SEARCH_CHANGED
    ),
    "finish_import": Step(path=IMPORTS + "/{import_id}/finish", action=Action.IMPORT_CHANGED),
    "cancel_import": Step(path=IMPORTS + "/{import_id}/cancel", action=Action.IMPORT_CHANGED),
    "retry_import": Step(path=IMPORTS + "/{import_id}/retry", action=Action.IMPORT_CHANGED),
    "delete_import": Step(path=IMPORTS + "/{import_id}", method="DELETE", action=Action.IMPORT_DELETED),
    "calibrate_gallery": Step(path=ONE + "/calibration", action=Action.CALIBRATION_STORED),
    "rebuild_index": Step(path=ONE + "/index/rebuild", action=Action.INDEX_REBUILD_REQUESTED),
    "start_reindex": Step(
        path="/v1/reindexes",
        action=Action.REINDEX_STARTED,
        body=lambda world: {"gallery": world.names["gallery"], "to": "dlib-resnet", "force": True},
    ),
    "pause_reindex": Step(path=JOB + "/pause", action=Action.REINDEX_CHANGED),
    "resume_reindex": Step(path=JOB + "/resume", action=Action.REINDEX_CHANGED),
    "cancel_reindex": Step(path=JOB + "/cancel", action=Action.REINDEX_CHANGED),
    "activate_reindex": Step(
        path=JOB + "/activate", action=Action.MODEL_SWITCHED, body=reason, state="ready"
    ),
    "roll_back_reindex": Step(
        path=JOB + "/rollback", action=Action.MODEL_SWITCHED, body=reason, state="active"
    ),
    "clean_up_reindex": Step(path=JOB + "/cleanup", action=Action.REINDEX_CHANGED, state="active"),
}
"""By operation id: the route with a request that succeeds, and the event that it leaves."""

PEOPLE = {
    *("merge_identities", "move_face", "undo_people_change"),
    *("decide_same", "decide_different", "reopen_review"),
}
"""Routes that need more than one person."""
IMPORTED = {"finish_import", "cancel_import", "retry_import", "delete_import"}
"""Routes that need an import."""
OPTIONS = {"threshold": None, "join_groups": False, "join_named": False, "dry_run": False}
"""Of a clustering."""
JOBS = {"cancel_clustering", "undo_clustering", "cancel_duplicate_search"}
"""Routes that need a job of the gallery."""
SEARCHES = {"replay_search", "get_probe_crop", "delete_probes", "dispute_match", "withdraw_dispute"}
"""Routes that need a search with kept probes."""
KEYS = {"create_key", "update_key", "rotate_key", "revoke_key", "create_session", "delete_session"}
"""In `tests/integration/access`: where a key was ever created, every other request here would need one."""
ELSEWHERE = {"check_liveness": "tests/integration/liveness"}
"""Routes that need networks which the service here lacks, with the tests of their events."""
WITHOUT = {
    "put_transfer_file": "stores a file of the export that the transfer's first event names by its SHA-256",
    "add_import_files": "each person whom the import enrols leaves an event",
    "detect": "finds faces in a photograph, compares them with nobody and stores nothing",
    "draw_liveness_challenge": "draws movements at random; the burst that shows them leaves an event",
    "verify_index": "compares vectors of the database with digests that processes have reported",
    "plan_reindex": "embeds a sample of stored crops, and stores and shows none",
}
"""Routes that leave no event, each with the reason."""


def operations() -> dict[str, str]:
    """The method of each operation, by its id."""
    document = create_app(Settings(_env_file=None)).openapi()
    return {
        operation["operationId"]: method
        for item in document["paths"].values()
        for method, operation in item.items()
    }


@pytest.fixture(scope="module")
def service(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(database_url=migrated, home=tmp_path_factory.mktemp("home"), threads=4)
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def world(service: TestClient, collins: bytes, hopper: bytes) -> World:
    def create(name: str) -> str:
        service.post("/v1/galleries", json={"name": name}).raise_for_status()
        return name

    gallery, empty = create(f"test-{uuid4().hex}"), create(f"test-{uuid4().hex}")
    encoded = base64.b64encode(hopper).decode()
    person = service.post(
        f"/v1/galleries/{gallery}/identities", json={"external_id": "4711", "images": [encoded]}
    )
    job = service.post("/v1/reindexes", json={"gallery": empty, "to": "dlib-resnet", "force": True})
    return World(
        picture=base64.b64encode(collins).decode(),
        names={
            "gallery": gallery,
            "external_id": "4711",
            "identity_id": person.raise_for_status().json()["id"],
            "face_id": person.json()["faces"][0]["id"],
            "job_id": job.raise_for_status().json()["id"],
        },
    )


def add_people(service: TestClient, database: Database, world: World) -> None:
    """A second person, a merge that can be undone, and a review each that is open and decided."""
    path = ONE.format(**world.names)

    def new() -> UUID:
        answer = service.post(f"{path}/identities", json={})
        return UUID(answer.raise_for_status().json()["id"])

    def review(one: UUID, other: UUID) -> UUID | None:
        with database.transaction() as session:
            gallery = galleries.get(session, world.names["gallery"])
            return reviews.add(
                session,
                gallery.id,
                ReviewKind.DUPLICATE,
                identity_id=one,
                other_id=other,
                score=0.6,
                threshold=0.5,
            )

    other, third = new(), new()
    decided = review(other, third)
    service.post(f"{path}/reviews/{decided}/different").raise_for_status()
    merged = service.post(f"{path}/identities/{other}/merge", json={"other": str(new())})
    world.names.update(
        {
            "other_id": str(other),
            "change_id": merged.raise_for_status().json()["id"],
            "review_id": str(review(other, UUID(world.names["identity_id"]))),
            "decided_id": str(decided),
        }
    )


def add_visitor(service: TestClient, world: World) -> None:
    path = ONE.format(**world.names)
    service.patch(path, json={"remember_unknown": True}).raise_for_status()
    found = service.post(f"{path}/identify", json=image(world)).raise_for_status().json()
    assert found["faces"][0]["visitor"]["outcome"] == "new"


def add_search(service: TestClient, world: World, *, disputed_already: bool) -> None:
    """A search with kept probes."""
    path = ONE.format(**world.names)
    service.patch(path, json={"keep_probes": True}).raise_for_status()
    found = service.post(f"{path}/identify", json=image(world)).raise_for_status().json()
    world.names["audit_id"] = found["audit_id"]
    if disputed_already:
        dispute = service.post(SEARCH.format(**world.names) + "/disputes", json=disputed(world))
        world.names["dispute_id"] = dispute.raise_for_status().json()["id"]


def add_jobs(database: Database, world: World, *, ended: bool) -> None:
    """That another process works on. `ended`: the clustering was cancelled."""
    with database.transaction() as session:
        gallery = galleries.get(session, world.names["gallery"])
        clustering = jobs.create(session, gallery, CLUSTERING, OPTIONS, worker="elsewhere")
        search = jobs.create(session, gallery, DUPLICATE_SEARCH, {"fpir": None}, worker="elsewhere")
        world.names.update({"clustering_id": str(clustering.id), "search_id": str(search.id)})
        if ended:
            jobs.cancel(session, gallery, CLUSTERING, clustering.id)


def add_transfer(service: TestClient, world: World) -> None:
    """One that waits for a file."""
    file = {"name": "identities-000001.ndjson", "bytes": 10, "sha256": "0" * 64, "rows": 1}
    path = ONE.format(**world.names) + "/transfers?existing=true"
    made = service.post(path, json=manifest([file])).raise_for_status().json()
    world.names["transfer_id"] = made["id"]


def add_import(service: TestClient, database: Database, world: World) -> None:
    """An import with a file that has failed."""
    path = IMPORTS.format(**world.names)
    made = service.post(path, json={"people_by": "file"}).raise_for_status().json()
    world.names["import_id"] = made["id"]
    picture = base64.b64decode(world.picture)
    service.post(f"{path}/{made['id']}/files", files=[("files", ("a.jpg", picture))]).raise_for_status()
    wait_for(lambda: service.get(f"{path}/{made['id']}").json()["counts"]["enrolled"] == 1, 60)
    with database.transaction() as session:
        session.execute(
            text(
                "WITH failed AS (UPDATE import_file SET state = 'failed' WHERE import_id = :id RETURNING id)"
                " INSERT INTO import_picture (file_id, data) SELECT id, :picture FROM failed"
            ),
            {"id": made["id"], "picture": picture},
        )


def test_every_route_but_reading_ones_leaves_an_event_or_says_why_not() -> None:
    changing = {name for name, method in operations().items() if method != "get"}

    assert changing - STEPS.keys() == WITHOUT.keys() | ELSEWHERE.keys() | KEYS


@pytest.mark.parametrize("operation", STEPS)
def test_a_route_leaves_its_event(
    service: TestClient, database: Database, world: World, operation: str
) -> None:
    step = STEPS[operation]
    if step.state is not None:
        with database.transaction() as session:
            session.execute(
                text("UPDATE reindex SET state = :state, gates = '{}' WHERE id = :id"),
                {"state": step.state, "id": world.names["job_id"]},
            )
    if operation in PEOPLE:
        add_people(service, database, world)
    if operation == "calibrate_gallery":
        strangers.enrol(database, world.names["gallery"], 100)
    if operation in JOBS:
        add_jobs(database, world, ended=operation == "undo_clustering")
    if operation == "cancel_transfer":
        add_transfer(service, world)
    if operation in IMPORTED:
        add_import(service, database, world)
    if operation == "forget_visitors":
        add_visitor(service, world)
    if operation in SEARCHES:
        add_search(service, world, disputed_already=operation == "withdraw_dispute")
    before, request = last_number(database), uuid4().hex

    answer = service.request(
        step.method,
        step.path.format(**world.names),
        json=step.body(world),
        headers={"X-Request-Id": request} | step.headers,
    )

    assert answer.is_success, answer.text
    *others, row = [row for row in rows_after(database, before) if row["request_id"] == request]
    assert [other["action"] for other in others] == [step.first] * (step.first is not None)
    assert row["action"] == step.action
    if "{gallery}" in step.path:
        assert row["gallery"] == world.names["gallery"]
    if step.path.startswith(PERSON):
        assert str(row["identity_id"]) == world.names["identity_id"]
    for private in ("Grace", "Hopper", "4711"):
        assert private not in row["details"]


@pytest.mark.parametrize("operation", sorted(STEPS.keys() - {"create_gallery", "verify"}))
def test_a_request_that_changes_nothing_leaves_no_event(
    service: TestClient, database: Database, collins: bytes, operation: str
) -> None:
    """Here because nothing of what it names exists."""
    step = STEPS[operation]
    names = (
        *("gallery", "external_id", "identity_id", "other_id", "face_id", "job_id", "import_id"),
        *("clustering_id", "search_id", "transfer_id"),
    )
    nothing = dict.fromkeys(
        (*names, "change_id", "review_id", "decided_id", "audit_id", "dispute_id"), str(uuid4())
    )
    body = step.body(World(picture=base64.b64encode(collins).decode(), names=nothing))
    before, request = last_number(database), uuid4().hex

    answer = service.request(
        step.method,
        step.path.format(**nothing),
        json=body,
        headers={"X-Request-Id": request} | step.headers,
    )

    assert answer.status_code == 404
    assert [row for row in rows_after(database, before) if row["request_id"] == request] == []
