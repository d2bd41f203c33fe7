"""What the service does while something beneath it is missing."""

from pathlib import Path

from fastapi.testclient import TestClient

from indexer.records import embedded, schema
from indexer.records.session import Database
from indexer.settings import Settings
from service.app import create_app


def test_while_postgresql_is_away_requests_get_503_and_afterwards_everything_is_there(
    tmp_path: Path, hopper: bytes
) -> None:
    url = embedded.start(tmp_path)
    database = Database(url)
    schema.migrate(database)
    database.close()
    app = create_app(Settings(database_url=url))
    with TestClient(app, raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        path = "/v1/galleries/staff"
        client.post(f"{path}/identities", files={"images": hopper}, data={"name": "Grace"}).raise_for_status()

        embedded.stop(tmp_path)
        answers = [
            client.post(f"{path}/identify", files={"image": hopper}),
            client.post(f"{path}/identities", files={"images": hopper}),
            client.get("/v1/galleries"),
            client.get("/readyz"),
        ]
        alive = client.get("/healthz")
        verified = client.post("/v1/verify", files={"image_a": hopper, "image_b": hopper})

        assert embedded.start(tmp_path) == url
        found = client.post(f"{path}/identify", files={"image": hopper}).json()
        ready = client.get("/readyz")
    embedded.stop(tmp_path)

    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "database_unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
    assert alive.status_code == 200
    assert verified.json()["matched"], "two pictures are compared without a database"
    assert [c["identity"]["name"] for c in found["faces"][0]["candidates"]] == ["Grace"]
    assert found["gallery_size"] == 1
    assert ready.status_code == 200


def test_a_gallery_of_another_model_is_not_searched_and_says_so(
    database: Database, settings: Settings, hopper: bytes
) -> None:
    """Without the mirror image the embeddings are another model's: an answer would miss everybody."""
    path = "/v1/galleries/staff"
    with TestClient(create_app(settings)) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        made = client.post(f"{path}/identities", files={"images": hopper}).json()
    other = settings.model_copy(update={"mirror": False})
    with TestClient(create_app(other), raise_server_exceptions=False) as client:
        answers = [
            client.post(f"{path}/identify", files={"image": hopper}),
            client.post(f"{path}/identities/{made['id']}/verify", files={"image": hopper}),
        ]
        enrolment = client.post(f"{path}/identities", files={"images": hopper})
        client.post("/v1/galleries", json={"name": "fresh"}).raise_for_status()
        elsewhere = client.post("/v1/galleries/fresh/identify", files={"image": hopper})

    with TestClient(create_app(settings)) as client:
        again = client.post(f"{path}/identify", files={"image": hopper}).json()

    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["code"] == "embeddings_missing"
        assert "Retry-After" not in answer.headers, "waiting would not help"
    assert enrolment.status_code == 409, "one such face would make the gallery unsearchable for everybody"
    assert enrolment.json()["code"] == "another_model"
    assert [c["identity"]["id"] for c in again["faces"][0]["candidates"]] == [made["id"]]
    assert elsewhere.status_code == 200, "the other galleries are not held up"
