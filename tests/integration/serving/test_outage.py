"""What the service does while something beneath it is missing."""

from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import delete

from indexer.embedding.catalog import sface
from indexer.records import embedded, galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.tables import Embedding
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
            # It needs PostgreSQL for the audit record only.
            client.post("/v1/verify", files={"image_a": hopper, "image_b": hopper}),
        ]
        alive = client.get("/healthz")
        measured = client.get("/metrics")

        assert embedded.start(tmp_path) == url
        found = client.post(f"{path}/identify", files={"image": hopper}).json()
        ready = client.get("/readyz")
    embedded.stop(tmp_path)

    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "database_unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
    assert alive.status_code == 200
    assert measured.status_code == 200, "that is when somebody looks at the figures"
    assert [c["identity"]["name"] for c in found["faces"][0]["candidates"]] == ["Grace"]
    assert found["gallery_size"] == 1
    assert ready.status_code == 200


def test_where_no_event_is_required_two_photographs_are_compared_while_postgresql_is_away(
    tmp_path: Path, hopper: bytes
) -> None:
    url = embedded.start(tmp_path)
    database = Database(url)
    schema.migrate(database)
    database.close()
    app = create_app(Settings(database_url=url, audit_searches="best-effort"))
    with TestClient(app, raise_server_exceptions=False) as client:
        client.get("/readyz").raise_for_status()
        embedded.stop(tmp_path)
        verified = client.post("/v1/verify", files={"image_a": hopper, "image_b": hopper})

    assert verified.json()["matched"], verified.text


def test_a_gallery_keeps_its_model_whatever_the_process_would_take_for_a_new_one(
    database: Database, settings: Settings, hopper: bytes
) -> None:
    """Without the mirror image the embeddings are another model's: that one would find nobody."""
    path = "/v1/galleries/staff"
    with TestClient(create_app(settings)) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        made = client.post(f"{path}/identities", files={"images": hopper}).json()
    other = settings.model_copy(update={"mirror": False})
    with TestClient(create_app(other)) as client:
        identified = client.post(f"{path}/identify", files={"image": hopper}).json()
        verified = client.post(f"{path}/identities/{made['id']}/verify", files={"image": hopper}).json()
        added = client.post(f"{path}/identities", files={"images": hopper}).json()
        client.post("/v1/galleries", json={"name": "fresh"}).raise_for_status()
        elsewhere = client.post("/v1/galleries/fresh/identities", files={"images": hopper}).json()

    assert identified["model"] == verified["model"] == added["model"] == made["model"]
    assert identified["faces"][0]["candidates"][0]["identity"]["id"] == made["id"]
    assert verified["matched"]
    assert elsewhere["model"] == sface(mirror=False).fingerprint


def test_a_gallery_whose_model_is_not_here_says_so_and_holds_nobody_else_up(
    database: Database, settings: Settings, hopper: bytes
) -> None:
    path = "/v1/galleries/staff"
    with database.transaction() as session:
        number = models.register(session, "onnx-0123456789ab", 64, name="onnx:/nowhere.onnx", mirror=True)
        galleries.create(session, "staff").model_id = number
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        answers = [
            client.post(f"{path}/identify", files={"image": hopper}),
            client.post(f"{path}/identities", files={"images": hopper}),
        ]
        client.post("/v1/galleries", json={"name": "fresh"}).raise_for_status()
        elsewhere = client.post("/v1/galleries/fresh/identify", files={"image": hopper})

    for answer in answers:
        assert answer.status_code == 500
        assert answer.json()["code"] == "model_unavailable"
        assert "/nowhere" in answer.json()["detail"]
    assert elsewhere.status_code == 200


def test_faces_without_an_embedding_by_the_gallerys_model_are_not_passed_over_in_silence(
    database: Database, settings: Settings, hopper: bytes
) -> None:
    path = "/v1/galleries/staff"
    with TestClient(create_app(settings)) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        made = client.post(f"{path}/identities", files={"images": hopper}).json()
        with database.transaction() as session:
            session.execute(delete(Embedding))
    with TestClient(create_app(settings)) as client:
        answers = [
            client.post(f"{path}/identify", files={"image": hopper}),
            client.post(f"{path}/identities/{made['id']}/verify", files={"image": hopper}),
        ]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["code"] == "embeddings_missing"
        assert "Retry-After" not in answer.headers, "waiting would not help"
