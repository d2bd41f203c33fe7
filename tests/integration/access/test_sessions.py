"""A browser's session: a key is exchanged for a cookie, which is recognised, and ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from indexer.access.authenticator import CURRENT_SECONDS, GRACE_SECONDS
from indexer.access.grant import Grant
from indexer.access.sign_in.sign_ins import SignIns
from indexer.access.sign_in.token import token_hash
from indexer.records.database.session import Database
from indexer.records.sign_ins import LiveSignIn
from indexer.settings import Settings
from service.app import create_app
from tests.integration.access.conftest import BOOTSTRAP
from tests.support.asking import assert_problem
from tests.support.signing_in import NAME, browser, eventually, is_signed_in, new_key, sign_in


@pytest.fixture(scope="module")
def other(admin: TestClient, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A second server on the same database, with the same bootstrap key."""
    settings = Settings(
        home=tmp_path_factory.mktemp("other"),
        database_url=migrated,
        api_key=SecretStr(BOOTSTRAP),
        threads=2,
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def test_the_cookie_of_a_session_is_accepted_and_says_who_one_is(admin: TestClient) -> None:
    limits = {"requests_per_second": 900.0, "faces_per_second": None, "max_concurrent": 7}
    expiry = "2091-01-31T09:30:00Z"
    made = new_key(admin, "operator", galleries=["staff-*"], expires_at=expiry, **limits)
    client = browser(admin)

    session = sign_in(client, made["key"])

    assert session["signed_in_by"] == "cookie"
    assert (session["name"], session["key_id"]) == ("console", made["id"])
    assert (session["permissions"], session["galleries"]) == (["operate", "read"], ["staff-*"])
    assert limits.items() <= session.items()
    assert session["sign_in_required"] is True
    ends_in = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11.9) < ends_in <= timedelta(hours=12)
    assert session["idle_seconds"] == 3600
    shown = client.get("/v1/session").raise_for_status()
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.json() | {"expires_at": None} == session | {"expires_at": None}
    assert client.get("/v1/galleries").status_code == 200
    assert client.post("/v1/galleries", json={"name": "staff-1"}).status_code == 201
    assert_problem(client.post("/v1/galleries", json={"name": "other"}), 403, "permission_denied")
    assert_problem(client.get("/v1/keys"), 403, "permission_denied")


def test_a_session_ends_with_its_key_at_the_latest(admin: TestClient) -> None:
    expiry = datetime.now(UTC) + timedelta(hours=1)
    made = new_key(admin, "read", expires_at=expiry.isoformat())

    assert datetime.fromisoformat(sign_in(browser(admin), made["key"])["expires_at"]) == expiry


def test_a_key_may_ask_who_it_is(admin: TestClient) -> None:
    made = new_key(admin, "identify")

    shown = admin.get("/v1/session", headers={"X-API-Key": made["key"]}).json()

    assert (shown["signed_in_by"], shown["key_id"]) == ("key", made["id"])
    assert (shown["csrf_token"], shown["idle_seconds"], shown["expires_at"]) == (None, None, None)
    assert shown["permissions"] == ["identify", "verify"]


def test_the_token_is_stored_as_a_hash_and_the_key_not_at_all(admin: TestClient, store: Database) -> None:
    client = browser(admin)
    session = sign_in(client, BOOTSTRAP)
    token = client.cookies[NAME]

    with store.reading() as reading:
        rows = reading.execute(text("SELECT sign_in::text FROM sign_in")).scalars().all()
        events = reading.execute(text("SELECT audit_event::text FROM audit_event")).scalars().all()
        hashed = reading.scalar(
            text("SELECT count(*) FROM sign_in WHERE token_hash = sha256(CAST(:token AS bytea))"),
            {"token": token},
        )
    assert hashed == 1
    assert len(token) == 64
    secrets = (token, session["csrf_token"], BOOTSTRAP)
    assert not [row for row in (*rows, *events) for secret in secrets if secret in row]


def test_each_sign_in_has_a_token_of_its_own_whatever_the_browser_sent(admin: TestClient) -> None:
    """A token that somebody else has planted (session fixation) is worth nothing."""
    planted = "0" * 64
    client = browser(admin)
    client.cookies.set(NAME, planted)
    sign_in(client, BOOTSTRAP)
    first = client.cookies.get(NAME, domain="testserver.local")
    assert first not in (None, planted)
    assert_problem(
        browser(admin).get("/v1/session", headers={"Cookie": f"{NAME}={planted}"}), 401, "not_authenticated"
    )


def test_signing_in_again_ends_the_session_that_the_browser_had(admin: TestClient) -> None:
    client = browser(admin)
    sign_in(client, BOOTSTRAP)
    first = client.cookies[NAME]

    sign_in(client, BOOTSTRAP)

    assert client.cookies[NAME] != first
    assert is_signed_in(client)
    assert_problem(
        browser(admin).get("/v1/session", headers={"Cookie": f"{NAME}={first}"}), 401, "not_authenticated"
    )


def test_a_session_does_not_begin_another_one(admin: TestClient) -> None:
    client = browser(admin)
    sign_in(client, BOOTSTRAP)

    assert_problem(client.post("/v1/session"), 401, "not_authenticated")


@pytest.mark.parametrize("key", ["wrong", "", "gemel_000000000000_" + "0" * 64])
def test_a_wrong_key_begins_no_session(admin: TestClient, key: str) -> None:
    answer = browser(admin).post("/v1/session", headers={"X-API-Key": key})

    assert_problem(answer, 401, "not_authenticated")
    assert "set-cookie" not in answer.headers


def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(admin: TestClient) -> None:
    answer = browser(admin).post("/v1/session", headers={"X-API-Key": BOOTSTRAP})

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.partition("=")[0] == NAME
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict"]


def test_over_https_the_cookie_is_secure_and_no_other_host_can_plant_it(admin: TestClient) -> None:
    client = browser(admin, base_url="https://testserver")
    answer = client.post("/v1/session", headers={"X-API-Key": BOOTSTRAP})

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-gemel-session=")
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"]
    assert is_signed_in(client)
    plain = {"Cookie": f"{NAME}={client.cookies['__Host-gemel-session']}"}
    assert_problem(
        browser(admin, base_url="https://testserver").get("/v1/session", headers=plain),
        401,
        "not_authenticated",
    )


def test_after_signing_out_the_cookie_is_worth_nothing_in_any_process(
    admin: TestClient, other: TestClient
) -> None:
    client, there = browser(admin), browser(other)
    sign_in(client, BOOTSTRAP)
    token = client.cookies[NAME]
    there.cookies.set(NAME, token)
    assert is_signed_in(there)

    answer = client.delete("/v1/session")

    assert answer.status_code == 204
    assert answer.headers["set-cookie"] == f"{NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
    assert NAME not in client.cookies
    replayed = browser(admin)
    replayed.cookies.set(NAME, token)
    assert not is_signed_in(replayed), "at once where it was done"
    eventually(lambda: not is_signed_in(there))


def test_signing_out_everywhere_ends_all_sessions_of_the_key_and_no_other(
    admin: TestClient, other: TestClient
) -> None:
    key, second = new_key(admin, "read")["key"], new_key(admin, "read")["key"]
    laptop, phone, stranger = browser(admin), browser(other), browser(admin)
    sign_in(laptop, key)
    sign_in(phone, key)
    sign_in(stranger, second)

    assert laptop.delete("/v1/session", params={"everywhere": "true"}).status_code == 204

    assert not is_signed_in(laptop)
    eventually(lambda: not is_signed_in(phone))
    assert is_signed_in(stranger)
    sign_in(phone, key)
    answer = admin.delete("/v1/session", params={"everywhere": "true"}, headers={"X-API-Key": key})
    assert answer.status_code == 204, "also by the key itself"
    eventually(lambda: not is_signed_in(phone))
    assert is_signed_in(stranger)


def test_a_key_has_no_session_to_sign_out_of(admin: TestClient) -> None:
    assert_problem(admin.delete("/v1/session"), 422, "invalid_request")


@pytest.mark.parametrize("end", ["revoke", "rotate"])
def test_a_session_ends_with_its_key(admin: TestClient, other: TestClient, end: str) -> None:
    made = new_key(admin, "read")
    client, there = browser(admin), browser(other)
    sign_in(client, made["key"])
    there.cookies.set(NAME, client.cookies[NAME])
    assert is_signed_in(there)

    if end == "revoke":
        admin.delete(f"/v1/keys/{made['id']}").raise_for_status()
    else:
        admin.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_seconds": 0}).raise_for_status()

    eventually(lambda: not is_signed_in(client))
    eventually(lambda: not is_signed_in(there))


def test_a_session_lives_as_long_as_the_text_of_the_key_that_began_it(admin: TestClient) -> None:
    made = new_key(admin, "read")
    before, after = browser(admin), browser(admin)
    sign_in(before, made["key"])
    rotated = admin.post(f"/v1/keys/{made['id']}/rotate").json()
    sign_in(after, rotated["key"])
    assert is_signed_in(before), "the overlap has 24 hours"

    admin.post(f"/v1/keys/{made['id']}/rotate").raise_for_status()

    eventually(lambda: not is_signed_in(before))
    assert is_signed_in(after)


def test_a_session_ends_when_the_bootstrap_key_is_another(
    admin: TestClient, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    client = browser(admin)
    sign_in(client, BOOTSTRAP)
    home = tmp_path_factory.mktemp("changed")
    settings = Settings(home=home, database_url=migrated, api_key=SecretStr("another one"), threads=2)

    with TestClient(create_app(settings), raise_server_exceptions=False) as changed:
        changed.cookies.set(NAME, client.cookies[NAME])
        assert not is_signed_in(changed)


@pytest.mark.parametrize(
    ("column", "moved"), [("expires_at", timedelta(hours=12)), ("last_used_at", timedelta(hours=1))]
)
def test_a_session_ends_after_its_lifetime_and_when_it_is_idle(
    admin: TestClient, store: Database, column: str, moved: timedelta
) -> None:
    client, kept = browser(admin), browser(admin)
    sign_in(client, BOOTSTRAP)
    sign_in(kept, BOOTSTRAP)
    with store.transaction() as session:
        session.execute(
            text(
                f"UPDATE sign_in SET {column} = {column} - :moved"
                " WHERE token_hash = sha256(CAST(:token AS bytea))"
            ),
            {"moved": moved, "token": client.cookies[NAME]},
        )

    eventually(lambda: not is_signed_in(client))
    assert is_signed_in(kept)
    sign_in(kept, BOOTSTRAP)
    with store.reading() as session:
        dead = session.scalar(text("SELECT count(*) FROM sign_in WHERE expires_at < now()"))
    assert dead == 0, "the next sign-in deletes what has ended"


def test_a_session_that_is_used_does_not_become_idle(admin: TestClient, store: Database) -> None:
    client = browser(admin)
    sign_in(client, BOOTSTRAP)
    token = {"token": client.cookies[NAME]}
    condition = "WHERE token_hash = sha256(CAST(:token AS bytea))"
    with store.transaction() as session:
        session.execute(
            text(f"UPDATE sign_in SET last_used_at = now() - interval '59 minutes' {condition}"), token
        )

    def noted() -> bool:
        assert is_signed_in(client)
        with store.reading() as session:
            age = session.scalar(text(f"SELECT now() - last_used_at FROM sign_in {condition}"), token)
        return bool(age is not None and age < timedelta(minutes=1))

    eventually(noted)


def test_a_key_has_a_limited_number_of_sessions(
    admin: TestClient, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.records.sign_ins.MOST_OF_A_KEY", 2)
    key = new_key(admin, "read")["key"]
    clients = [browser(admin) for _ in range(3)]
    stranger = browser(admin)
    sign_in(stranger, BOOTSTRAP)

    for client in clients:
        sign_in(client, key)

    eventually(lambda: not is_signed_in(clients[0]))
    assert is_signed_in(clients[1])
    assert is_signed_in(clients[2])
    assert is_signed_in(stranger)


def test_the_limits_of_the_key_hold_for_its_sessions_together(admin: TestClient) -> None:
    key = new_key(admin, "read", requests_per_second=0.001)["key"]
    client = browser(admin)
    sign_in(client, key)

    assert_problem(client.get("/v1/session"), 429, "rate_limited")


def test_signing_in_and_out_is_in_the_audit_record(admin: TestClient) -> None:
    made = new_key(admin, "read")
    client = browser(admin)
    sign_in(client, made["key"])
    client.delete("/v1/session").raise_for_status()

    events = admin.get("/v1/audit", params={"action": "session", "caller": made["id"]}).json()["events"]

    assert [event["action"] for event in events] == ["session.signed_out", "session.signed_in"]
    assert len({event["details"]["session_id"] for event in events}) == 1


def test_a_forged_cookie_is_in_the_audit_record(admin: TestClient) -> None:
    request = {"Cookie": f"{NAME}={'ab' * 32}"}
    assert_problem(browser(admin).get("/v1/galleries", headers=request), 401, "not_authenticated")
    admin.app.state.engine.rejections.flush()  # type: ignore[attr-defined]

    events = admin.get("/v1/audit", params={"action": "authentication.failed"}).json()["events"]

    assert "session" in {event["details"]["reason"] for event in events}


def test_a_session_of_a_new_key_counts_at_once_in_every_process(admin: TestClient, other: TestClient) -> None:
    for _ in range(10):
        client, there = browser(admin), browser(other)
        sign_in(client, new_key(admin, "read")["key"])
        there.cookies.set(NAME, client.cookies[NAME])
        assert is_signed_in(there)


def test_a_token_counts_without_a_query_for_a_second_and_for_five_if_postgresql_does_not_answer(
    store: Database,
) -> None:
    now = 100.0
    sign_ins = SignIns(store, lifetime=timedelta(seconds=3), idle=timedelta(hours=1), clock=lambda: now)
    token, row = sign_ins.sign_in(Grant(name="test"), bytes(32), replaced=None)
    hashed = token_hash(token.encode())
    assert sign_ins.known(hashed) is None, "no check yet"
    sign_ins.request_check(hashed)
    sign_ins.request_check(bytes(32))
    sign_ins.check_requested()

    def found(seconds: float) -> LiveSignIn | None:
        check = sign_ins.known(hashed, seconds=seconds)
        return None if check is None else check.found

    assert found(CURRENT_SECONDS) is not None
    forged = sign_ins.known(bytes(32))
    assert forged is not None
    assert forged.found is None
    now += CURRENT_SECONDS
    assert sign_ins.known(hashed) is None
    assert found(GRACE_SECONDS) is not None
    now += 3 - CURRENT_SECONDS
    assert found(GRACE_SECONDS) is None, "its lifetime is over"
    now += GRACE_SECONDS
    assert sign_ins.known(hashed, seconds=GRACE_SECONDS) is None
    sign_ins.sign_out(token.encode(), row.id)


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_request_that_was_checked_just_before_a_sign_out_finds_that_the_session_has_ended(
    store: Database, everywhere: bool
) -> None:
    """Not that there was no check, for which the answer would be 503."""
    sign_ins = SignIns(store, lifetime=timedelta(hours=1), idle=timedelta(hours=1))
    grant = Grant(name="test")
    token, row = sign_ins.sign_in(grant, bytes(32), replaced=None)
    hashed = token_hash(token.encode())
    sign_ins.request_check(hashed)
    sign_ins.check_requested()

    if everywhere:
        sign_ins.sign_out_everywhere(grant)
    else:
        sign_ins.sign_out(token.encode(), row.id)

    check = sign_ins.known(hashed)
    assert check is not None
    assert check.found is None
