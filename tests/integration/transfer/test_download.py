"""`GET /v1/galleries/{gallery}/export`."""

from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records.database.session import Database
from service.routes.galleries import exports
from tests.integration.transfer.conftest import Restore
from tests.support.transfer.galleries import people, rows


def test_a_download_can_be_imported(
    client: TestClient, database: Database, restore: Restore, tmp_path: Path
) -> None:
    people(database, "staff")

    answer = client.get("/v1/galleries/staff/export")

    assert answer.headers["content-type"] == "application/x-tar"
    assert answer.headers["content-disposition"] == 'attachment; filename="staff.tar"'
    (tmp_path / "staff.tar").write_bytes(answer.content)
    restore(tmp_path / "staff.tar", "copy")
    assert rows(database, "copy") == rows(database, "staff")


def test_an_unknown_gallery_is_404_and_a_second_export_503(client: TestClient, database: Database) -> None:
    people(database, "staff", 3)
    assert client.get("/v1/galleries/nobody/export").json()["code"] == "gallery_not_found"

    with exports.one_at_a_time:
        assert client.get("/v1/galleries/staff/export").json()["code"] == "busy"
    assert client.get("/v1/galleries/staff/export").status_code == 200


def test_a_client_that_stops_reading_gets_no_manifest_and_frees_its_snapshot(
    client: TestClient, database: Database
) -> None:
    people(database, "staff", 3)
    engine = client.app.state.engine  # type: ignore[attr-defined]
    parts = exports.parts(engine, "staff")
    next(parts)
    parts.close()

    with database.reading() as session:
        idle = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
        assert session.scalar(idle) == 0
    assert client.get("/v1/galleries/staff/export").status_code == 200
