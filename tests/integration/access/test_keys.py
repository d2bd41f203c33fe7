"""API keys: created, limited, rotated, revoked; in one process and in another."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from indexer.access.authenticator import Authenticator
from indexer.access.roles import Role
from indexer.records.database.session import Database
from indexer.records.tables import ApiKey
from indexer.records.tables.audit.chain import AuditRecord
from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import assert_problem

NO_KEY = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"


def create(api: TestClient, *roles: Role, key: str | None = None, **fields: Any) -> dict[str, Any]:
    headers = {} if key is None else {"X-API-Key": key}
    answer = api.post("/v1/keys", json={"name": "test", "roles": list(roles), **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def status(api: TestClient, key: str, path: str = "/v1/galleries") -> int:
    return int(api.get(path, headers={"X-API-Key": key}).status_code)


def eventually(holds: Callable[[], bool]) -> None:
    """Within a second, or what a slow machine makes of it."""
    until = datetime.now(UTC) + timedelta(seconds=30)
    while not holds():
        assert datetime.now(UTC) < until


@pytest.fixture(scope="module")
def other(admin: TestClient, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A second server on the same database, without a bootstrap key."""
    settings = Settings(home=tmp_path_factory.mktemp("other"), database_url=migrated, threads=2)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def test_a_key_is_shown_once_and_stored_as_a_hash(admin: TestClient, store: Database) -> None:
    made = create(admin, Role.READ, name="door camera", galleries=["staff", "visitors-*"])
    prefix, secret = made["key"].split("_")[1:]

    assert made["prefix"] == prefix
    for path in (f"/v1/keys/{made['id']}", "/v1/keys"):
        assert secret not in admin.get(path).raise_for_status().text
    shown = admin.get(f"/v1/keys/{made['id']}").json()
    assert "key" not in shown
    assert (shown["name"], shown["roles"], shown["galleries"]) == (
        "door camera",
        ["read"],
        ["staff", "visitors-*"],
    )
    assert (shown["state"], shown["expires_at"], shown["revoked_at"]) == ("active", None, None)
    with store.reading() as session:
        rows = session.execute(text("SELECT api_key::text FROM api_key")).scalars().all()
        events = session.execute(text("SELECT audit_event::text FROM audit_event")).scalars().all()
    assert rows
    assert not [row for row in (*rows, *events) if secret in row or secret.encode().hex() in row]


def test_a_new_key_counts_at_once_in_every_process(admin: TestClient, other: TestClient) -> None:
    """Without a pause: whoever has created it may use it."""
    for _ in range(10):
        key = create(admin, Role.READ)["key"]
        assert status(other, key) == 200
        assert status(admin, key) == 200


def test_a_key_is_sent_in_either_header(admin: TestClient, other: TestClient) -> None:
    key = create(admin, Role.READ)["key"]

    assert other.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert other.get("/v1/models", headers={"X-API-Key": key}).status_code == 200
    assert_problem(other.get("/v1/models", params={"api_key": key}), 401, "not_authenticated")
    both = {"X-API-Key": "wrong", "Authorization": f"Bearer {key}"}
    assert_problem(other.get("/v1/models", headers=both), 401, "not_authenticated")


def test_a_key_that_is_almost_right_is_rejected(admin: TestClient) -> None:
    key = create(admin, Role.READ)["key"]
    second = create(admin, Role.READ)["key"]
    prefix, secret = key.split("_")[1:]
    wrong = [
        key[:-1],
        key + "0",
        key.upper(),
        key.replace("gemel", "Gemel"),
        f" {key}x",
        f"gemel_{prefix}_{'0' * 64}",
        f"gemel_{second.split('_')[1]}_{secret}",
        f"gemel_{'0' * 12}_{secret}",
        f"gemel_{prefix}_",
        secret,
        prefix,
        key[:-1] + ("0" if key[-1] != "0" else "1"),
    ]
    for each in wrong:
        assert_problem(admin.get("/v1/models", headers={"X-API-Key": each}), 401, "not_authenticated")
    assert status(admin, key, "/v1/models") == 200


def test_a_revoked_key_ends_in_every_process(admin: TestClient, other: TestClient) -> None:
    made = create(admin, Role.READ)
    assert (status(admin, made["key"]), status(other, made["key"])) == (200, 200)

    assert admin.delete(f"/v1/keys/{made['id']}").status_code == 204

    eventually(lambda: status(admin, made["key"]) == 401)
    eventually(lambda: status(other, made["key"]) == 401)
    shown = admin.get(f"/v1/keys/{made['id']}").json()
    assert shown["state"] == "revoked"
    assert admin.delete(f"/v1/keys/{made['id']}").status_code == 204, "again: no change"
    assert admin.get(f"/v1/keys/{made['id']}").json()["revoked_at"] == shown["revoked_at"]
    assert_problem(admin.post(f"/v1/keys/{made['id']}/rotate"), 409, "key_state")
    assert status(other, made["key"]) == 401


def test_after_a_rotation_both_secrets_count_until_the_overlap_ends(
    admin: TestClient, other: TestClient
) -> None:
    made = create(admin, Role.READ)
    first = made["key"]
    rotated = admin.post(f"/v1/keys/{made['id']}/rotate").json()
    second = rotated["key"]

    assert (rotated["id"], rotated["prefix"], rotated["roles"]) == (made["id"], made["prefix"], made["roles"])
    assert first != second
    for api in (admin, other):
        assert (status(api, first), status(api, second)) == (200, 200)
    overlap = datetime.fromisoformat(rotated["previous_expires_at"]) - datetime.fromisoformat(
        rotated["rotated_at"]
    )
    assert overlap == timedelta(hours=24)

    third = admin.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_seconds": 0.2}).json()["key"]
    eventually(lambda: status(other, first) == 401)
    eventually(lambda: status(other, second) == 401)
    assert status(other, third) == 200
    assert status(admin, first) == 401, "a replayed one stays rejected"

    fourth = admin.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_seconds": 0}).json()["key"]
    eventually(lambda: status(other, third) == 401)
    assert status(other, fourth) == 200


def test_a_key_ends_by_itself(admin: TestClient, other: TestClient) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    made = create(admin, Role.READ, expires_at=soon.isoformat())

    eventually(lambda: status(other, made["key"]) == 401)
    eventually(lambda: status(admin, made["key"]) == 401)
    assert admin.get(f"/v1/keys/{made['id']}").json()["state"] == "expired"
    assert_problem(admin.post(f"/v1/keys/{made['id']}/rotate"), 409, "key_state")


@pytest.mark.parametrize(
    "fields",
    [
        {"roles": []},
        {"roles": ["root"]},
        {"roles": ["read"], "galleries": []},
        {"roles": ["read"], "galleries": ["*"]},
        {"roles": ["read"], "galleries": ["a*b"]},
        {"roles": ["read"], "galleries": ["a/b"]},
        {"roles": ["read"], "galleries": ["a\n"]},
        {"roles": ["read"], "galleries": ["a"] * 101},
        {"roles": ["read"], "expires_at": "2020-01-01T00:00:00Z"},
        {"roles": ["read"], "expires_at": "2040-01-01T00:00:00"},
        {"roles": ["read"], "requests_per_second": 0},
        {"roles": ["read"], "max_concurrent": -1},
        {"roles": ["read"], "name": "a\nERROR: forged"},
        {"roles": ["read"], "name": ""},
        {"roles": ["read"], "admin": True},
    ],
    ids=lambda fields: json.dumps(fields)[:50],
)
def test_an_invalid_key_is_not_created(admin: TestClient, fields: dict[str, Any]) -> None:
    before = len(admin.get("/v1/keys", params={"limit": 1000}).json()["keys"])

    assert_problem(admin.post("/v1/keys", json={"name": "test"} | fields), 422, "invalid_request")
    assert len(admin.get("/v1/keys", params={"limit": 1000}).json()["keys"]) == before


def test_a_key_creates_only_keys_within_its_own(admin: TestClient) -> None:
    end = datetime.now(UTC) + timedelta(days=1)
    own = create(
        admin,
        Role.ADMIN,
        galleries=["team-*", "staff"],
        expires_at=end.isoformat(),
        requests_per_second=1000,
        faces_per_second=10,
        max_concurrent=2,
    )["key"]
    within: dict[str, Any] = {
        "name": "test",
        "roles": ["read"],
        "galleries": ["team-a", "team-b*", "staff"],
        "expires_at": end.isoformat(),
        "requests_per_second": 1000,
        "faces_per_second": 1,
        "max_concurrent": 2,
    }

    def answer(**changes: Any) -> Any:
        return admin.post("/v1/keys", json=within | changes, headers={"X-API-Key": own})

    assert answer().status_code == 201
    for changes in (
        {"galleries": None},
        {"galleries": ["secret"]},
        {"galleries": ["team-a", "t*"]},
        {"galleries": ["staff*"]},
        {"galleries": ["team*"]},
        {"expires_at": None},
        {"expires_at": (end + timedelta(seconds=1)).isoformat()},
        {"requests_per_second": None},
        {"requests_per_second": 1001},
        {"faces_per_second": None},
        {"max_concurrent": None},
        {"max_concurrent": 3},
    ):
        assert_problem(answer(**changes), 403, "permission_denied")


def test_a_key_neither_sees_nor_changes_keys_beyond_its_own(admin: TestClient) -> None:
    own = create(admin, Role.ADMIN, galleries=["team-*"])
    within = create(admin, Role.READ, galleries=["team-a"])
    beyond = [create(admin, Role.READ), create(admin, Role.ADMIN, galleries=["secret"])]
    headers = {"X-API-Key": own["key"]}

    listed = admin.get("/v1/keys", params={"limit": 1000}, headers=headers).json()["keys"]
    assert {own["id"], within["id"]} <= {key["id"] for key in listed}
    assert not {key["id"] for key in beyond} & {key["id"] for key in listed}
    for key in beyond:
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
            body: dict[str, float] | None = {} if method == "PATCH" else None
            hidden = admin.request(method, f"/v1/keys/{key['id']}{path}", headers=headers, json=body)
            missing = admin.request(method, f"/v1/keys/{NO_KEY}{path}", headers=headers, json=body)
            assert_problem(hidden, 404, "key_not_found")
            assert hidden.text.replace(key["id"], "?") == missing.text.replace(NO_KEY, "?")
        assert status(admin, key["key"]) in (200, 403), "it still counts"
    assert admin.delete(f"/v1/keys/{within['id']}", headers=headers).status_code == 204


def test_keys_are_listed_page_by_page(admin: TestClient) -> None:
    made = [create(admin, Role.VERIFY)["id"] for _ in range(3)]
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = admin.get("/v1/keys", params=query).json()
        assert 1 <= len(page["keys"]) <= 2
        seen += [key["id"] for key in page["keys"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert seen[-3:] == made


def test_the_last_use_is_noted(admin: TestClient, other: TestClient, store: Database) -> None:
    made = create(admin, Role.READ)
    assert made["last_used_at"] is None

    def used() -> str | None:
        last: str | None = admin.get(f"/v1/keys/{made['id']}").json()["last_used_at"]
        return last

    assert status(other, made["key"]) == 200
    eventually(lambda: used() is not None)
    first = used()
    for api in (admin, other) * 5:
        assert status(api, made["key"]) == 200
    eventually(lambda: status(admin, create(admin, Role.READ)["key"]) == 200)
    assert used() == first, "once a minute"


def test_one_key_is_not_another_after_a_race_of_changes(admin: TestClient, other: TestClient) -> None:
    """Rotations and revocations at once, in two processes: the last answer of each counts."""
    made = [create(admin, Role.READ) for _ in range(8)]

    def change(number: int) -> None:
        api, key = (admin, other)[number % 2], made[number % 8]
        headers = {"X-API-Key": admin_key}
        path = f"/v1/keys/{key['id']}"
        if number % 8 < 4:
            api.post(f"{path}/rotate", json={"overlap_seconds": 0}, headers=headers).raise_for_status()
        else:
            assert api.delete(path, headers=headers).status_code == 204

    admin_key = create(admin, Role.ADMIN)["key"]
    threads = [threading.Thread(target=change, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for key in made:
        for api in (admin, other):
            eventually(lambda key=key, api=api: status(api, key["key"]) == 401)  # type: ignore[misc]
    states = {key["id"]: admin.get(f"/v1/keys/{key['id']}").json()["state"] for key in made}
    assert [states[key["id"]] for key in made] == ["active"] * 4 + ["revoked"] * 4


def test_the_limits_of_a_key_are_changed_in_every_process_and_what_is_not_named_stays(
    admin: TestClient, other: TestClient, store: Database
) -> None:
    made = create(admin, Role.READ, requests_per_second=100, max_concurrent=3)
    path = f"/v1/keys/{made['id']}"

    changed = admin.patch(path, json={"requests_per_second": 0.001, "max_concurrent": None})

    assert changed.status_code == 200
    limits = [changed.json()[name] for name in ("requests_per_second", "faces_per_second", "max_concurrent")]
    assert limits == [0.001, None, None]
    for api in (admin, other):
        eventually(lambda api=api: status(api, made["key"]) == 429)  # type: ignore[misc]
    assert admin.patch(path, json={}).json()["requests_per_second"] == 0.001
    admin.delete(path)
    assert_problem(admin.patch(path, json={"max_concurrent": 2}), 409, "key_state")
    with store.reading() as session:
        rows = session.scalars(select(AuditRecord).where(AuditRecord.action == "key.limited")).all()
    [event] = [row for row in rows if made["id"] in str(row.details)]
    details: Any = event.details
    assert details["before"]["max_concurrent"] == 3
    assert details["after"]["max_concurrent"] is None


def test_a_key_raises_no_limit_above_its_own(admin: TestClient) -> None:
    own = create(admin, Role.ADMIN, requests_per_second=50)
    made = create(admin, Role.READ, requests_per_second=10)
    path, headers = f"/v1/keys/{made['id']}", {"X-API-Key": own["key"]}

    for limit in (51, None):
        answer = admin.patch(path, json={"requests_per_second": limit}, headers=headers)
        assert_problem(answer, 403, "permission_denied")
    assert admin.patch(path, json={"requests_per_second": 50}, headers=headers).status_code == 200
    assert admin.get(path).json()["requests_per_second"] == 50


def test_changes_of_keys_are_in_the_audit_record(admin: TestClient, store: Database) -> None:
    made = create(admin, Role.READ, galleries=["staff"])
    admin.post(f"/v1/keys/{made['id']}/rotate").raise_for_status()
    admin.delete(f"/v1/keys/{made['id']}")

    with store.reading() as session:
        rows = session.scalars(select(AuditRecord).order_by(AuditRecord.number)).all()
    ours = [row for row in rows if row.action.startswith("key.") and made["id"] in str(row.details)]
    assert [row.action for row in ours] == ["key.created", "key.rotated", "key.revoked"]
    assert {row.caller for row in ours} == {"GEMEL_API_KEY"}
    assert "staff" in str(ours[0].details)


def test_guesses_and_denied_requests_are_counted_in_the_audit_record(
    admin: TestClient, other: TestClient, store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A few rows, however many requests; with no text of the client's own."""
    caplog.set_level(logging.DEBUG)
    for api in (other, admin):
        rejections = api.app.state.engine.rejections  # type: ignore[attr-defined]
        rejections.flush()
    key = create(admin, Role.READ, galleries=["staff"])
    with store.reading() as session:
        before = len(session.scalars(select(AuditRecord)).all())
    for number in range(60):
        guess = f"secret-guess-{number}"
        assert status(admin, guess) == 401
        assert status(admin, key["key"], "/v1/galleries/elsewhere") == 404
        assert status(admin, key["key"], "/metrics") == 403
    rejections.flush()

    with store.reading() as session:
        rows = session.scalars(select(AuditRecord).order_by(AuditRecord.number)).all()[before:]
    assert len(rows) <= 12
    counted: dict[tuple[str, str | None], int] = {}
    for row in rows:
        details: Any = row.details
        place = row.action, details["operation"]
        counted[place] = counted.get(place, 0) + details["requests"]
        assert "secret-guess" not in str(details)
        assert row.address == "testclient"
        assert row.key_id is None or str(row.key_id) == key["id"]
    assert counted == {
        ("authentication.failed", None): 60,
        ("access.denied", "get_gallery"): 60,
        ("access.denied", "get_metrics"): 60,
    }
    assert "secret-guess" not in caplog.text
    assert key["key"] not in caplog.text


def test_a_route_that_denies_a_request_is_counted_too(admin: TestClient, store: Database) -> None:
    key = create(admin, Role.ADMIN, galleries=["staff"])
    answer = admin.post("/v1/galleries", json={"name": "other"}, headers={"X-API-Key": key["key"]})
    assert_problem(answer, 403, "permission_denied")
    admin.app.state.engine.rejections.flush()  # type: ignore[attr-defined]

    with store.reading() as session:
        last = session.scalars(select(AuditRecord).order_by(AuditRecord.number.desc()).limit(20)).all()
    [row] = [row for row in last if str(row.key_id) == key["id"]]
    details: Any = row.details
    assert (row.action, details["operation"]) == ("access.denied", "create_gallery")


def test_the_first_key_closes_a_server_that_was_open(store: Database, migrated: str) -> None:
    """And nothing opens it again, not even another database."""
    with store.transaction() as session:
        session.execute(text("TRUNCATE api_key, api_key_version"))
    authenticator = Authenticator(store, bootstrap_key=None)
    try:
        assert not authenticator.required
        with store.transaction() as session:
            from indexer.records import api_keys

            api_keys.add(session, ApiKey(name="a", prefix="0" * 12, secret_hash=bytes(32), roles=["read"]))
        eventually(lambda: authenticator.required)
        with store.transaction() as session:
            session.execute(text("TRUNCATE api_key, api_key_version"))
        authenticator.request_check().result(timeout=30)
        assert authenticator.required
    finally:
        authenticator.close()


def test_a_request_for_a_forbidden_attribute_uses_no_face_of_the_key(
    admin: TestClient, hopper: bytes
) -> None:
    admin.post("/v1/galleries", json={"name": "strict", "attributes": []}).raise_for_status()
    key = create(admin, Role.IDENTIFY, faces_per_second=0.01)["key"]  # one face in 100 seconds

    def answer(**data: str) -> Any:
        headers = {"X-API-Key": key}
        return admin.post(
            "/v1/galleries/strict/identify", files={"image": hopper}, data=data, headers=headers
        )

    for _ in range(2):
        assert_problem(answer(attributes="liveness"), 403, "attribute_not_permitted")
    assert answer().status_code == 200
    assert answer().status_code == 429
