"""The doctor on a real installation: what is well, and each thing that an operator has to know."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.access import keys
from indexer.access.keys import COMMAND_LINE, NewKey
from indexer.access.roles import Role
from indexer.doctor import every_check
from indexer.doctor.finding import Finding
from indexer.records import galleries, models, reindexes, replicas
from indexer.records.database.session import Database
from indexer.records.enrolled.words import unsearched
from indexer.records.imports import jobs
from indexer.records.replicas import StatusReport
from indexer.settings import Settings


def examine(settings: Settings, database: Database, **more: Any) -> dict[str, Finding]:
    """By code."""
    return {
        finding.code: finding for finding in every_check.doctor(settings, database, **more).examine().findings
    }


def test_all_is_well_over_the_api(client: TestClient, hopper: bytes) -> None:
    client.post("/v1/galleries", json={"name": "staff"})
    client.post("/v1/galleries/staff/identities", files={"images": hopper})

    examined = client.get("/v1/doctor")

    assert examined.status_code == 200
    body = examined.json()
    findings = {finding["check"]: finding for finding in body["findings"]}
    worse = [finding for finding in body["findings"] if finding["level"] not in ("ok", "info")]
    assert {finding["code"] for finding in worse} <= {"database_unsafe"}, "the tests' own has no fsync"
    assert {
        *("settings", "disk", "memory", "weights", "postgresql", "clock", "schema", "processes"),
        *("indexes", "keys", "audit", "models", "jobs"),
    } == findings.keys()
    assert "1 process on 1 host" in findings["processes"]["text"]


def test_processes_of_two_versions_are_an_upgrade_that_is_not_finished(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        replicas.register(session, host="web-1", pid=1, version="1.0")
        replicas.register(session, host="web-2", pid=1, version="1.1")

    finding = examine(settings, database)["process_versions"]

    assert finding.level == "warning"
    assert "1.0, 1.1" in finding.text


def test_a_database_without_a_schema_is_said_to_have_none(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE alembic_version RENAME TO version_of_another_program"))
    try:
        finding = examine(settings, database)["database_not_migrated"]
    finally:
        with database.transaction() as session:
            session.execute(text("ALTER TABLE version_of_another_program RENAME TO alembic_version"))

    assert (finding.check, finding.level, finding.text) == (
        *("schema", "problem"),
        "The database has no schema yet.",
    )
    assert finding.advice == "Run `gemel migrate` or `gemel serve`."


def test_people_whom_an_older_process_has_enrolled_are_missing_in_the_search(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        staff = galleries.create(session, "staff")
        session.execute(
            text("INSERT INTO identity (id, gallery_id) VALUES (gen_random_uuid(), :gallery)"),
            {"gallery": staff.id},
        )

    finding = examine(settings, database)["people_not_in_search"]

    assert finding.level == "warning"
    assert "gemel migrate" in (finding.advice or "")
    unsearched.complete(database)
    assert "people_not_in_search" not in examine(settings, database)


def test_a_thread_of_the_process_that_is_stuck_is_a_problem(settings: Settings, database: Database) -> None:
    found = examine(settings, database, own_problem=lambda: "the thread sync has been stuck for 90 s")

    assert found["process_stuck"].level == "problem"
    assert "stuck for 90 s" in found["process_stuck"].text


def test_indexes_that_failed_are_behind_or_differ_are_found(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        staff, guests, late = (galleries.create(session, name) for name in ("staff", "guests", "late"))
        late.change_number = 5_000
        one = replicas.register(session, host="web-1", pid=1, version="1")
        two = replicas.register(session, host="web-2", pid=1, version="1")
    ready: dict[str, Any] = {"state": "ready", "model": "m-1", "problem": None}
    with database.transaction() as session:
        failed: dict[str, Any] = {"state": "failed", "model": "m-1", "problem": "no memory"}
        first = [
            StatusReport(gallery_id=guests.id, applied=3, digest="a", **ready),
            StatusReport(gallery_id=late.id, applied=1, digest="c", **ready),
        ]
        second = [
            StatusReport(gallery_id=guests.id, applied=3, digest="b", **ready),
            StatusReport(gallery_id=staff.id, **failed),
        ]
        assert replicas.report(session, one, first, [])
        assert replicas.report(session, two, second, [])

    found = examine(settings, database)

    assert "staff" in found["index_failed"].text
    assert "no memory" in found["index_failed"].text
    assert "guests" in found["index_differs"].text
    assert "4,999 changes" in found["index_lag"].text


def test_a_key_that_expires_soon_is_found_and_its_secret_is_not_told(
    settings: Settings, database: Database
) -> None:
    new = NewKey(name="front desk", roles=[Role.READ], expires_at=datetime.now(UTC) + timedelta(days=2))
    created = keys.create(database, new, by=COMMAND_LINE)

    found = examine(settings, database)

    assert "front desk" in found["key_expires"].text
    assert created.text not in str(found)
    assert "key_none" not in found


def test_a_public_address_without_a_key_is_a_warning(settings: Settings, database: Database) -> None:
    public = settings.model_copy(update={"host": "192.0.2.1"})

    assert examine(settings, database)["key_none"].level == "info"
    assert examine(public, database)["key_none"].level == "warning"


def test_a_gallery_that_has_outgrown_its_calibration_is_found(
    settings: Settings, database: Database, client: TestClient, hopper: bytes
) -> None:
    client.post("/v1/galleries", json={"name": "staff"})
    client.post("/v1/galleries/staff/identities", files={"images": hopper})
    assert "calibration_unsupported" not in examine(settings, database)
    with database.transaction() as session:
        session.execute(text("UPDATE gallery SET face_count = 100000000"))

    finding = examine(settings, database)["calibration_unsupported"]

    assert finding.level == "warning"
    assert "100,000,000 faces" in finding.text
    assert "gemel calibrate --gallery staff" in (finding.advice or "")


def test_a_gallery_whose_model_is_unknown_here_is_a_problem(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "staff")
        number = models.register(session, "of-another-version", 128, name="nobody-knows-it", mirror=True)
        gallery.model_id = number
        gallery.face_count = 1

    finding = examine(settings, database)["model_unavailable"]

    assert (finding.level, finding.check) == ("problem", "models")
    assert "staff" in finding.text


def test_jobs_that_stand_still_are_found(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "staff")
        imported, _ = jobs.create(session, gallery, path="/srv/badges")
        imported.problem = "the folder cannot be read"
        gallery.model_id = models.register(session, "old", 128)
        session.flush()
        new = models.register(session, "new", 128)
        begun = reindexes.begin(session, gallery, new, gates=[], plan={})
        begun.problem = "the disk is full"

    found = examine(settings, database)

    assert "the folder cannot be read" in found["import_stopped"].text
    assert "the disk is full" in found["reindex_stopped"].text
    assert f"gemel reindex resume {begun.id}" in (found["reindex_stopped"].advice or "")


def test_without_postgresql_the_machine_is_examined_all_the_same(settings: Settings) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    try:
        found = examine(settings, away)
    finally:
        away.close()

    assert found["database_unavailable"].level == "problem"
    assert {"disk_ok", "weights_ok"} <= found.keys()
    assert "schema_ok" not in found


def test_permitted_attributes_without_a_network_are_information(
    settings: Settings, database: Database
) -> None:
    finding = examine(settings, database)["attributes_unavailable"]

    assert finding.level == "info"
    assert "liveness" in finding.text
    assert "expression" not in finding.text  # off by default
    assert "gemel models fetch" in str(finding.advice)
    none = settings.model_copy(update={"attributes": "none"})
    assert "attributes_unavailable" not in examine(none, database)


def test_an_attribute_that_is_estimated_from_a_forbidden_one_is_a_warning(
    settings: Settings, database: Database
) -> None:
    alone = settings.model_copy(update={"attributes": "pose,gender"})
    finding = examine(alone, database)["attributes_without_source"]

    assert (finding.level, finding.advice) == (
        "warning",
        "Add age to GEMEL_ATTRIBUTES, or take gender out of it.",
    )
    assert "attributes_without_source" not in examine(settings, database)
