"""Every route with every role: what the table says is what happens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from indexer.access.roles import PERMISSIONS, Role
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Gallery, Model, Reindex
from indexer.settings import Settings
from service.app import create_app
from service.permissions import OPEN, RULES, GalleryAt
from tests.support.asking import assert_problem

INSIDE, OUTSIDE, NOWHERE, NOT_YET = "team-a", "secret", "nobody", "team-0"
"""A gallery within the pattern, one outside, one outside that does not exist, one within that does not."""
NEW = "team-z"
PATTERN = "team-*"
ANY_ID = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str

    def request(self, api: TestClient, key: str, gallery: str, job: str = ANY_ID) -> Response:
        values = {"gallery": gallery, "job_id": job, "face": "0"}
        path = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], ANY_ID), self.path)
        rule = RULES[self.id]
        query = {"gallery": gallery} if rule.gallery is GalleryAt.QUERY else None
        body: dict[str, Any] = {}
        if self.id in ("start_reindex", "plan_reindex"):
            body = {"gallery": gallery, "to": "nothing"}
        if self.id == "create_gallery":
            body = {"name": gallery}
        if self.id == "identify_in_several":
            body = {"galleries": [gallery], "image": "AAAA"}
        has_body = self.method in ("POST", "PUT", "PATCH")
        return api.request(
            self.method, path, params=query, json=body if has_body else None, headers={"X-API-Key": key}
        )


def operations() -> list[Operation]:
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]
    return [
        Operation(operation["operationId"], method.upper(), path)
        for path, item in paths.items()
        for method, operation in item.items()
    ]


EVERY = operations()
GUARDED = [operation for operation in EVERY if operation.id not in OPEN]


def test_every_operation_has_a_rule_and_every_rule_an_operation() -> None:
    assert {operation.id for operation in EVERY} == RULES.keys() | OPEN


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.id)
def test_a_rule_says_where_the_path_names_the_gallery(operation: Operation) -> None:
    where = RULES[operation.id].gallery

    assert ("{gallery}" in operation.path) == (where is GalleryAt.PATH)
    assert ("{job_id}" in operation.path) == (where is GalleryAt.JOB)
    assert ("{audit_id}" in operation.path) == (where is GalleryAt.EVENT)


@pytest.fixture(scope="module")
def keys(admin: TestClient) -> dict[tuple[Role, bool], str]:
    """By role, and whether the key is limited to `PATTERN`."""

    def create(role: Role, limited: bool) -> str:
        new = {"name": role, "roles": [role], "galleries": [PATTERN] if limited else None}
        answer = admin.post("/v1/keys", json=new)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    return {(role, limited): create(role, limited) for role in Role for limited in (False, True)}


@pytest.fixture(scope="module")
def jobs(store: Database) -> dict[str, str]:
    """A re-index job of each gallery."""
    made = {}
    with store.transaction() as session:
        models = [Model(fingerprint=f"model-{number}", dimension=4) for number in range(2)]
        session.add_all(models)
        session.flush()
        for name in (INSIDE, OUTSIDE):
            _create(store, name)
            gallery = galleries.get(session, name)
            job = Reindex(
                gallery_id=gallery.id, from_model_id=models[0].id, to_model_id=models[1].id, gates=[], plan={}
            )
            session.add(job)
            session.flush()
            made[name] = str(job.id)
    return made


def _create(store: Database, name: str) -> None:
    with store.transaction() as session:
        if name not in {gallery.name for gallery in galleries.list_all(session)}:
            galleries.create(session, name)


def _roles(operation: Operation) -> Iterator[tuple[Role, bool]]:
    """Each role, and whether it has the permission."""
    needed = RULES[operation.id].permission
    for role in Role:
        yield role, needed is None or needed in PERMISSIONS[role]


def _without_name(answer: Response, name: str) -> tuple[int, str, dict[str, str]]:
    """All that a client sees, with the requested name replaced."""
    changing = ("x-request-id", "date")
    headers = {field: value for field, value in answer.headers.items() if field not in changing}
    return answer.status_code, answer.text.replace(name, "?"), headers


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.id)
def test_a_role_may_do_what_the_table_says_and_nothing_else(
    operation: Operation, admin: TestClient, keys: dict[tuple[Role, bool], str], store: Database
) -> None:
    _create(store, INSIDE)
    for role, allowed in _roles(operation):
        for limited in (False, True):
            for gallery in (INSIDE, OUTSIDE, NOWHERE):
                if allowed and not (limited and RULES[operation.id].gallery is GalleryAt.EVERY):
                    continue
                answer = operation.request(admin, keys[role, limited], gallery)
                assert_problem(answer, 403, "permission_denied")
    for role, allowed in _roles(operation):
        for limited in (False, True):
            if allowed and not (limited and RULES[operation.id].gallery is GalleryAt.EVERY):
                name = NEW if operation.id == "create_gallery" else INSIDE
                answer = operation.request(admin, keys[role, limited], name)
                assert answer.status_code not in (401, 403), (role, limited, answer.text)
                assert answer.json()["code"] != "gallery_not_found" if answer.status_code == 404 else True
                _create(store, INSIDE)


@pytest.mark.parametrize(
    "operation",
    [op for op in GUARDED if RULES[op.id].gallery in (GalleryAt.PATH, GalleryAt.QUERY, GalleryAt.BODY)],
    ids=lambda operation: operation.id,
)
def test_a_gallery_outside_the_patterns_looks_like_one_that_does_not_exist(
    operation: Operation, admin: TestClient, keys: dict[tuple[Role, bool], str], store: Database
) -> None:
    _create(store, OUTSIDE)
    for role, allowed in _roles(operation):
        if not allowed:
            continue
        key = keys[role, True]
        outside = operation.request(admin, key, OUTSIDE)
        nowhere = operation.request(admin, key, NOWHERE)
        assert _without_name(outside, OUTSIDE) == _without_name(nowhere, NOWHERE)
        if operation.id == "create_gallery":
            assert_problem(outside, 403, "permission_denied")
        else:
            assert_problem(outside, 404, "gallery_not_found")
    with store.reading() as session:
        assert galleries.get(session, OUTSIDE)


@pytest.mark.parametrize("path", ["", "/identities", "/fpir-check"])
def test_a_key_without_any_gallery_within_its_patterns_gets_the_same_answer(
    path: str, admin: TestClient, keys: dict[tuple[Role, bool], str], store: Database
) -> None:
    """The middleware's answer is the very one of the route."""
    _create(store, OUTSIDE)
    key = {"X-API-Key": keys[Role.READ, True]}
    outside = admin.get(f"/v1/galleries/{OUTSIDE}{path}", headers=key)
    not_there = admin.get(f"/v1/galleries/{NOT_YET}{path}", headers=key)

    assert _without_name(outside, OUTSIDE) == _without_name(not_there, NOT_YET)


@pytest.mark.parametrize(
    "operation",
    [op for op in GUARDED if RULES[op.id].gallery is GalleryAt.JOB],
    ids=lambda operation: operation.id,
)
def test_a_job_of_a_gallery_outside_looks_like_one_that_does_not_exist(
    operation: Operation,
    admin: TestClient,
    keys: dict[tuple[Role, bool], str],
    jobs: dict[str, str],
    store: Database,
) -> None:
    for role, allowed in _roles(operation):
        if allowed:
            key, nothing = keys[role, True], str(uuid4())
            outside = operation.request(admin, key, OUTSIDE, job=jobs[OUTSIDE])
            missing = operation.request(admin, key, OUTSIDE, job=nothing)
            assert_problem(outside, 404, "reindex_not_found")
            assert _without_name(outside, jobs[OUTSIDE]) == _without_name(missing, nothing)
            inside = operation.request(admin, key, INSIDE, job=jobs[INSIDE])
            assert inside.status_code in (200, 202, 409), "it exists, whatever its state allows"
    with store.reading() as session:
        job = session.get_one(Reindex, UUID(jobs[OUTSIDE]))
    assert (job.state, job.paused) == ("embedding", False)


def test_lists_show_only_what_the_key_may_see(
    admin: TestClient, keys: dict[tuple[Role, bool], str], jobs: dict[str, str], store: Database
) -> None:
    _create(store, INSIDE)
    _create(store, OUTSIDE)
    with store.transaction() as session:
        for name in ("team_a", "teamxa", "TEAM-A"):
            if name not in {gallery.name for gallery in galleries.list_all(session)}:
                session.add(Gallery(name=name))
    limited, whole = ({"X-API-Key": keys[Role.READ, limited]} for limited in (True, False))

    def names(path: str, field: str, headers: dict[str, str]) -> set[str]:
        entries = admin.get(path, headers=headers).raise_for_status().json()[field]
        return {entry.get("name") or entry["gallery"] for entry in entries}

    for path, field in (("/v1/galleries", "galleries"), ("/v1/indexes", "galleries")):
        assert names(path, field, limited) - {NEW} == {INSIDE}
        assert names(path, field, whole) >= {INSIDE, OUTSIDE, "team_a", "teamxa", "TEAM-A"}
    assert OUTSIDE not in names("/v1/reindexes", "reindexes", limited)
    assert OUTSIDE in names("/v1/reindexes", "reindexes", whole)
    last = admin.get("/v1/galleries", params={"cursor": INSIDE + "z", "limit": 1}, headers=limited).json()
    assert last["next_cursor"] is None, "a cursor would reveal hidden galleries"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/galleries/secret/",
        "/v1/galleries//secret",
        "/v1/galleries/team-a%2F..%2Fsecret",
        "/v1/galleries/team-a/../secret",
        "/v1/galleries/%73ecret",
        "/v1/galleries/secret%00",
        "/v1/galleries/secret%0A",
        "/v1/galleries/team-a;/secret",
        "/V1/galleries/secret",
        "/v1/galleries/secret?gallery=team-a",
        "/v1/galleries/secret#team-a",
        "/v1/indexes?gallery=secret&gallery=team-a",
        "/v1/indexes?gallery=team-a&gallery=secret",
        "/v1/indexes?gallery=%73ecret",
        "/v1/indexes?Gallery=secret",
        "/v1/reindexes?gallery=&gallery=secret",
        "/v1/indexes?cursor=sec",
        "/v1/galleries?cursor=sec",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_no_spelling_of_a_path_reaches_a_gallery_outside(
    path: str, method: str, admin: TestClient, keys: dict[tuple[Role, bool], str], store: Database
) -> None:
    _create(store, OUTSIDE)
    for role in (Role.READ, Role.ADMIN):
        answer = admin.request(method, path, headers={"X-API-Key": keys[role, True]}, follow_redirects=False)
        if answer.status_code == 200 and method == "GET":
            assert not [g for g in answer.json()["galleries"] if g.get("name") == OUTSIDE]
        else:
            assert answer.status_code in (200, 403, 404, 405, 422), answer.status_code
    with store.reading() as session:
        assert galleries.get(session, OUTSIDE)


@pytest.mark.parametrize("header", ["X-Gallery", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"])
def test_no_header_changes_what_a_request_is(
    header: str, admin: TestClient, keys: dict[tuple[Role, bool], str], store: Database
) -> None:
    _create(store, INSIDE)
    key = {"X-API-Key": keys[Role.READ, True]}
    for value in ("DELETE", "/v1/galleries/secret", "team-a"):
        answer = admin.get(f"/v1/galleries/{OUTSIDE}", headers=key | {header: value})
        assert_problem(answer, 404, "gallery_not_found")
        assert admin.get(f"/v1/galleries/{INSIDE}", headers=key | {header: value}).json()["name"] == INSIDE


def test_any_valid_key_opens_the_documentation(
    admin: TestClient, anonymous: TestClient, keys: dict[tuple[Role, bool], str]
) -> None:
    for key in keys.values():
        for path in ("/docs", "/openapi.json", "/docs/swagger-ui.css"):
            assert admin.get(path, headers={"X-API-Key": key}).status_code == 200
        assert anonymous.get("/docs", auth=("anybody", key)).status_code == 200
        for path in ("/docs", "/v1/models"):
            wrong = anonymous.get(path, headers={"X-API-Key": "wrong"}, auth=("anybody", key))
            assert_problem(wrong, 401, "not_authenticated")


def test_the_metrics_need_a_key_for_every_gallery(
    anonymous: TestClient, keys: dict[tuple[Role, bool], str]
) -> None:
    """Also as a password, as Prometheus sends it."""
    whole, limited, other = keys[Role.READ, False], keys[Role.READ, True], keys[Role.IDENTIFY, False]
    assert anonymous.get("/metrics", auth=("prometheus", whole)).status_code == 200
    for key in (limited, other):
        assert_problem(anonymous.get("/metrics", auth=("prometheus", key)), 403, "permission_denied")
