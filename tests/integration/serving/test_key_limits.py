"""Limits of API keys, over HTTP: what is counted, what a rejected client receives."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text
from starlette.types import Message

from indexer.access import keys
from indexer.access.key_limits.limiter import KeyLimiter
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.keys import COMMAND_LINE, NewKey
from indexer.access.roles import Role
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.altered_pictures import side_by_side
from tests.support.asking import assert_problem
from tests.support.home import wait_for
from tests.support.key_limits import admit

BOOTSTRAP = {"X-API-Key": "correct horse battery"}
HOUR = 3600
ORIGIN = "https://example.org"


@pytest.fixture(scope="module")
def served(migrated: str, hopper: bytes) -> Iterator[TestClient]:
    """The service, with a gallery `staff`."""
    settings = Settings(
        database_url=migrated,
        api_key=SecretStr(BOOTSTRAP["X-API-Key"]),
        cors_origins=ORIGIN,
        max_upload_mb=8,
        threads=4,
    )
    database = Database(migrated)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        client.delete("/v1/galleries/staff", headers=BOOTSTRAP)  # of another module
        client.post("/v1/galleries", json={"name": "staff"}, headers=BOOTSTRAP).raise_for_status()
        yield client
    with database.transaction() as session:
        session.execute(text("TRUNCATE api_key, api_key_version, gallery CASCADE"))
    database.close()


class Key:
    """A client with a key of its own."""

    def __init__(self, client: TestClient, database_url: str, limits: KeyLimits, **more: Any) -> None:
        self.client = client
        database = Database(database_url)
        new = NewKey(name="limited", roles=[Role.ADMIN], limits=limits, **more)
        issued = keys.create(database, new, by=COMMAND_LINE)
        database.close()
        self.id = issued.row.id
        self.headers = {"X-API-Key": issued.text}

    def request(self, method: str, path: str, **options: Any) -> Any:
        return self.client.request(method, path, headers=self.headers | options.pop("headers", {}), **options)

    def get(self, path: str = "/v1/galleries/staff", **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.request("POST", path, **options)


@pytest.fixture
def limited(served: TestClient, migrated: str) -> Any:
    def create(**limits: Any) -> Key:
        return Key(served, migrated, KeyLimits(**limits))

    return create


@pytest.fixture(scope="module")
def two_people(hopper: bytes, collins: bytes) -> bytes:
    return side_by_side(hopper, collins)


def picture(data: bytes, name: str = "image") -> dict[str, Any]:
    return {name: ("photograph.jpg", data)}


@pytest.fixture
def charged(limited: Any, migrated: str) -> Any:
    """Sends a request with a key of its own. Returns the answer, and the faces that the key was charged."""
    database = Database(migrated)

    def post(path: str, **options: Any) -> tuple[Any, float | None]:
        key = limited(faces_per_second=100)
        answer = key.post(path, **options)
        last = text("SELECT granted FROM token_bucket WHERE kind = 'faces' AND key_id = :id")
        with database.reading() as session:  # the server stores it within a quarter of a second
            wait_for(lambda: session.scalar(last, {"id": key.id}))
            return answer, session.scalar(last, {"id": key.id})

    yield post
    database.close()


def test_a_request_above_the_rate_gets_429_with_the_time_of_the_next_token(limited: Any) -> None:
    key = limited(requests_per_second=1 / HOUR)
    assert key.get().status_code == 200
    answer = key.get()
    problem = assert_problem(answer, 429, "rate_limited")
    assert problem["policy"] == "requests"
    assert HOUR - 120 <= int(answer.headers["Retry-After"]) <= HOUR
    assert problem["retry_after_s"] == int(answer.headers["Retry-After"])


def test_answers_to_a_limited_key_have_the_fields_of_the_draft(limited: Any) -> None:
    key = limited(requests_per_second=2, faces_per_second=0.5, max_concurrent=3)
    answer = key.get()
    assert answer.headers["RateLimit-Policy"] == (
        '"requests";q=2;w=1, "faces";q=1;qu="faces";w=2, "concurrency";q=3;qu="concurrent-requests"'
    )
    assert answer.headers["RateLimit"] == '"requests";r=1;t=1, "faces";r=1;t=1'


def test_a_rejected_request_has_the_fields_of_the_limit_that_was_reached(limited: Any) -> None:
    key = limited(requests_per_second=1 / HOUR, faces_per_second=1)
    key.get()
    answer = key.get()
    assert answer.headers["RateLimit"] == f'"requests";r=0;t={answer.headers["Retry-After"]}'
    assert answer.headers["RateLimit-Policy"].startswith('"requests";q=1;w=3600')


def test_error_answers_have_the_fields_too(limited: Any) -> None:
    key = limited(requests_per_second=100)
    for path, status in [("/v1/galleries/nothere", 404), ("/nothing", 404)]:
        answer = key.get(path)
        assert answer.status_code == status
        assert "RateLimit" in answer.headers


def test_a_key_without_limits_has_no_fields(limited: Any, served: TestClient) -> None:
    for answer in (limited().get(), served.get("/v1/galleries/staff", headers=BOOTSTRAP)):
        assert answer.status_code == 200
        assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)


def test_a_page_of_another_site_may_read_the_fields(limited: Any) -> None:
    answer = limited(requests_per_second=5).get(headers={"Origin": ORIGIN})
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= exposed


def test_a_rejected_request_is_answered_before_its_body_is_read(limited: Any) -> None:
    key = limited(requests_per_second=1 / HOUR)
    key.get()
    path = "/v1/galleries/staff/identify"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("testclient", 1),
        "server": ("testserver", 80),
        "headers": [
            (b"host", b"testserver"),
            (b"content-length", b"1000"),
            *((name.lower().encode(), value.encode()) for name, value in key.headers.items()),
        ],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    assert key.client.portal is not None
    key.client.portal.call(key.client.app, scope, receive, send)
    assert sent[0]["status"] == 429


def test_a_gallery_outside_of_the_key_looks_like_one_that_does_not_exist_also_by_its_fields(
    served: TestClient, migrated: str
) -> None:
    key = Key(served, migrated, KeyLimits(requests_per_second=1000), galleries=["other-*"])
    hidden, missing = key.get("/v1/galleries/staff"), key.get("/v1/galleries/other-missing")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.headers.keys() == missing.headers.keys()
    assert hidden.headers["RateLimit-Policy"] == missing.headers["RateLimit-Policy"]


def test_rejected_access_counts_as_a_request(served: TestClient, migrated: str) -> None:
    key = Key(served, migrated, KeyLimits(requests_per_second=1 / HOUR), galleries=["other-*"])
    assert_problem(key.get("/v1/galleries/staff"), 404, "gallery_not_found")
    assert_problem(key.get("/v1/galleries/staff"), 429, "rate_limited")


def test_health_checks_are_not_limited(limited: Any) -> None:
    key = limited(requests_per_second=1 / HOUR)
    key.get()
    assert [key.get(path).status_code for path in ("/healthz", "/readyz") * 3] == [200] * 6


def test_an_enrolment_uses_as_many_faces_as_it_has_pictures(
    charged: Any, hopper: bytes, nobody: bytes
) -> None:
    pictures = [("images", ("a.jpg", hopper)), ("images", ("b.jpg", nobody))]
    answer, faces = charged("/v1/galleries/staff/identities", files=pictures, data={"external_id": "two"})
    assert len(answer.json()["rejected"]) == 1
    assert faces == 2


def test_an_identification_uses_the_faces_of_its_picture(charged: Any, two_people: bytes) -> None:
    path = "/v1/galleries/staff/identify"
    _, faces = charged(path, files=picture(two_people))
    assert faces == 1
    answer, faces = charged(path, files=picture(two_people), data={"max_faces": "5"})
    assert len(answer.json()["faces"]) == faces == 2


def test_a_picture_without_a_face_counts_as_one(charged: Any, nobody: bytes) -> None:
    answer, faces = charged("/v1/galleries/staff/identify", files=picture(nobody))
    assert answer.json()["faces"] == []
    assert faces == 1


def test_a_comparison_uses_two_faces_and_a_detection_those_that_are_found(
    charged: Any, hopper: bytes, two_people: bytes
) -> None:
    _, faces = charged("/v1/verify", files=picture(hopper, "image_a") | picture(hopper, "image_b"))
    assert faces == 2
    answer, faces = charged("/v1/detect", files=picture(two_people))
    assert len(answer.json()["faces"]) == faces == 2


def test_a_comparison_with_a_person_uses_one_face_by_either_id(
    charged: Any, limited: Any, hopper: bytes
) -> None:
    created = limited().post(
        "/v1/galleries/staff/identities",
        files=[("images", ("a.jpg", hopper))],
        data={"external_id": "compared"},
    )
    for path in (f"identities/{created.json()['id']}", "identities/by-external-id/compared"):
        answer, faces = charged(f"/v1/galleries/staff/{path}/verify", files=picture(hopper))
        assert answer.json()["matched"]
        assert faces == 1


def test_a_request_may_use_more_faces_than_are_left_and_the_next_one_waits(
    limited: Any, hopper: bytes
) -> None:
    key = limited(faces_per_second=1 / HOUR)
    pictures = {"image_a": ("a.jpg", hopper), "image_b": ("b.jpg", hopper)}
    assert key.post("/v1/verify", files=pictures).status_code == 200
    answer = key.post("/v1/verify", files=pictures)
    problem = assert_problem(answer, 429, "rate_limited")
    assert problem["policy"] == "faces"
    assert 2 * HOUR - 120 <= int(answer.headers["Retry-After"]) <= 2 * HOUR


def test_one_request_after_the_other_passes_a_concurrency_of_one(limited: Any) -> None:
    key = limited(max_concurrent=1)
    answers = [key.get(path) for path in ("/v1/galleries/staff", "/v1/galleries/nothere") * 5]
    assert [answer.status_code for answer in answers] == [200, 404] * 5


def test_a_request_beyond_the_concurrency_of_all_processes_gets_429(limited: Any, migrated: str) -> None:
    key = limited(max_concurrent=2)
    other_process = Database(migrated)
    limiter = KeyLimiter(other_process)
    try:
        requests = [admit(limiter, key.id, KeyLimits(max_concurrent=2)) for _ in range(2)]
        answer = key.get()
        assert assert_problem(answer, 429, "rate_limited")["policy"] == "concurrency"
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["RateLimit"] == '"concurrency";r=0;t=1'
        limiter.finish(requests[0])
        assert key.get().status_code == 200
    finally:
        limiter.close()
        other_process.close()


def test_rejected_requests_are_counted_by_limit(limited: Any, served: TestClient) -> None:
    def count() -> float:
        metrics = served.get("/metrics", headers=BOOTSTRAP).text
        lines = [
            line
            for line in metrics.splitlines()
            if line.startswith('gemel_rate_limited_requests_total{limit="requests"}')
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    key = limited(requests_per_second=1 / HOUR)
    before = count()
    key.get()
    assert [key.get().status_code for _ in range(3)] == [429] * 3
    assert count() == before + 3
