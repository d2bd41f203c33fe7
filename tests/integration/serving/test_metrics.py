"""What `/metrics` tells of recognition, of rejections and of the process; and that its labels are few."""

import re
from typing import cast
from uuid import UUID

import anyio
import pytest
from fastapi.testclient import TestClient

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.replica.cache import IndexCache
from service.monitoring.metrics import Metrics
from tests.support.asking import enrol, files, try_to_enrol
from tests.support.home import wait_for

STAFF = "/v1/galleries/staff"


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    return client


def figure(client: TestClient, name: str, **labels: str) -> float:
    of = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    values = re.findall(
        f"^{re.escape(name + (f'{{{of}}}' if of else ''))} (.+)$", client.get("/metrics").text, re.MULTILINE
    )
    return sum(map(float, values))


def test_matched_and_unmatched_are_counted(
    staff: TestClient, hopper: bytes, collins: bytes, nobody: bytes
) -> None:
    person = enrol(staff, "staff", hopper)
    for image in (hopper, hopper, collins, nobody):
        staff.post(f"{STAFF}/identify", files=files("image", image)).raise_for_status()
    staff.post(f"{STAFF}/search", json={"embedding": [1.0] * 128}).raise_for_status()
    for image in (hopper, collins, collins):
        staff.post(
            f"{STAFF}/identities/{person['id']}/verify", files=files("image", image)
        ).raise_for_status()

    assert figure(staff, "gemel_identified_faces_total", outcome="matched") == 2
    assert figure(staff, "gemel_identified_faces_total", outcome="unmatched") == 2
    assert figure(staff, "gemel_identified_faces_total", outcome="no_face") == 1
    assert figure(staff, "gemel_identify_decisions_total", calibration="card", trusted="true") == 5
    assert figure(staff, "gemel_verifications_total", outcome="matched") == 1
    assert figure(staff, "gemel_verifications_total", outcome="unmatched") == 2


def test_an_answer_beyond_what_was_measured_is_counted_as_not_trusted(
    staff: TestClient, database: Database, hopper: bytes
) -> None:
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE gallery SET identify_fpir = 1e-8")
    staff.post(f"{STAFF}/identify", files=files("image", hopper)).raise_for_status()

    assert figure(staff, "gemel_identify_decisions_total", calibration="card", trusted="false") == 1


def test_rejections_are_counted_by_their_reason(
    staff: TestClient, hopper: bytes, nobody: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of requests by their code, of pictures by theirs; and those that nobody foresaw."""
    enrol(staff, "staff", hopper, nobody)
    assert try_to_enrol(staff, "staff", nobody, b"no picture").status_code == 422
    staff.get("/v1/galleries/nothere")
    staff.get("/nothere")
    staff.get(f"{STAFF}?x=1")
    with monkeypatch.context() as broken:
        broken.setattr(galleries, "page", None)
        assert staff.get("/v1/galleries").status_code == 500

    for code in ("nothing_enrolled", "gallery_not_found", "not_found", "invalid_request", "internal_error"):
        assert figure(staff, "gemel_errors_total", code=code) == 1, code
    assert figure(staff, "gemel_enrolment_pictures_total", outcome="enrolled") == 1
    assert figure(staff, "gemel_enrolment_pictures_total", outcome="no_face_found") == 2
    assert figure(staff, "gemel_enrolment_pictures_total", outcome="unsupported_image_format") == 1


def test_the_process_and_its_connections_are_told(staff: TestClient, database: Database) -> None:
    assert 50e6 < figure(staff, "gemel_process_resident_memory_bytes") < 50e9
    most = figure(staff, "gemel_database_connections_max")
    assert most > 4
    assert 0 <= figure(staff, "gemel_database_connections_in_use") <= most


def test_an_index_that_is_behind_shows_its_lag(staff: TestClient, database: Database, hopper: bytes) -> None:
    """As the processes report it to the database; here one that has stopped following."""

    def lags() -> list[float]:
        told = staff.get("/metrics").text
        return [float(n) for n in re.findall(r"^gemel_index_lag_changes{.*} (.+)$", told, re.MULTILINE)]

    wait_for(lambda: lags() == [0.0])
    with database.transaction() as session:
        run = session.connection().exec_driver_sql
        run("UPDATE gallery SET change_number = 9")
        run("INSERT INTO process (id, host, pid, version) VALUES (gen_random_uuid(), 'other', 1, '0')")
        run(
            "INSERT INTO replica"
            " (process_id, gallery_id, state, model, applied, count, tombstones, memory_bytes)"
            " SELECT process.id, gallery.id, s, 'm' || s, 2, 0, 0, 0 FROM process, gallery,"
            " unnest(ARRAY['ready', 'failed']) AS s WHERE host = 'other'"
        )

    assert figure(staff, "gemel_index_lag_changes", host="other", pid="1") == 7
    assert figure(staff, "gemel_index_failed", host="other", pid="1") == 1


def test_nothing_that_a_client_makes_up_becomes_a_label(staff: TestClient) -> None:
    def series() -> int:
        return staff.get("/metrics").text.count("\n")

    def ask(word: str) -> None:
        staff.request(word.upper(), "/v1/galleries")
        staff.get(f"/{word}")
        staff.get(f"/v1/galleries/{word}", headers={"X-Request-Id": word})
        staff.get(f"/v1/galleries?{word}=1")
        staff.post(f"{STAFF}/identities", content=word, headers={"Content-Type": word})
        staff.put(f"{STAFF}/identities/by-external-id/{word}", json={"name": word})

    ask("first")
    series()  # is counted itself, from the next time on
    before = series()
    for number in range(5):
        ask(f"word{number}")

    assert series() == before
    assert "word" not in staff.get("/metrics").text


class FailingOnce:
    """An index cache that fails in a way that nobody foresaw, and then has no index."""

    def __init__(self) -> None:
        self.asked = 0

    def counts(self) -> dict[UUID, int]:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("can't start new thread")
        return {}


def test_figures_that_cannot_be_refreshed_once_are_refreshed_later(database: Database) -> None:
    """Nor does the failure end the application, in whose tasks they are refreshed."""

    async def refresh() -> int:
        index_cache = FailingOnce()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Metrics(cast(IndexCache, index_cache), database).keep_fresh)
            with anyio.fail_after(60):
                while index_cache.asked < 2:
                    await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()
        return index_cache.asked

    assert anyio.run(refresh) == 2
