"""Searches are counted, stored for all processes, and shown; a broken promise is warned of once."""

import logging
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient

from benchmarks import face_vectors
from indexer.calibration.check.tally import SearchTally
from indexer.cli.gallery.tables import print_gallery
from indexer.errors import DatabaseUnavailable
from indexer.records import calibrations, galleries, search_counts
from indexer.records.database.session import Database
from indexer.records.search_counts import SearchCounts, basis_of
from indexer.usecases.answers.fpir_check import FpirCheck
from indexer.usecases.searches.reporter import SearchReporter
from tests.support import strangers
from tests.support.asking import assert_problem
from tests.support.home import wait_for

PATH = "/v1/galleries/staff"
NEVER = 3600.0


@pytest.fixture
def staff(client: TestClient, database: Database) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    strangers.enrol(database, "staff", 120)
    return client


@pytest.fixture
def reporter(client: TestClient, database: Database) -> Iterator[SearchReporter]:
    """Reports when it is asked to."""
    tally = client.app.state.engine.identifier.tally  # type: ignore[attr-defined]
    made = SearchReporter(database, tally, every_seconds=NEVER)
    yield made
    made.close()


def search(client: TestClient, count: int, **fields: object) -> None:
    for probe in face_vectors.strangers(count, 3):
        body = {"embedding": probe.astype(float).tolist()} | fields
        client.post(f"{PATH}/search", json=body).raise_for_status()


def broken(database: Database) -> SearchCounts:
    """Counts of the gallery in which each matched person has a double."""
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
    counts = SearchCounts(searches=640, matched=640, matched_limit=64.0, expected_false_alarms=6.4)
    counts.matched_searches[:] = 10
    counts.matched_reached[:] = np.arange(64) % 3 + 7
    with database.transaction() as session:
        search_counts.add(session, gallery.id, basis_of(gallery), counts)
    return counts


def test_searches_by_the_policy_are_counted_and_those_by_a_callers_threshold_are_not(
    staff: TestClient, reporter: SearchReporter
) -> None:
    search(staff, 5)
    search(staff, 3, threshold=0.5)
    search(staff, 2, max_candidates=1)
    reporter.report()
    wait_for(lambda: staff.get(f"{PATH}/fpir-check").json()["searches"] == 7)

    check = staff.get(f"{PATH}/fpir-check").json()
    assert check["expected_false_alarms"] == pytest.approx(0.07, rel=0.05)
    assert (check["verdict"], check["warning"]) == ("too_few", None)
    assert check["among_unmatched"]["searches"] + check["matched"] == 7


def test_an_answer_has_no_more_candidates_than_were_requested(staff: TestClient) -> None:
    """Although the check looks at two people."""
    body = {"embedding": face_vectors.strangers(1, 3)[0].astype(float).tolist(), "max_candidates": 1}

    assert len(staff.post(f"{PATH}/search", json=body).json()["candidates"]) == 1


def test_a_gallery_without_searches_has_a_check_and_an_unknown_one_has_none(staff: TestClient) -> None:
    assert staff.get(f"{PATH}/fpir-check").json()["searches"] == 0
    assert_problem(staff.get("/v1/galleries/nobody/fpir-check"), 404, "gallery_not_found")


def test_a_broken_promise_is_in_the_answer_and_the_metrics_and_is_logged_once(
    staff: TestClient, database: Database, reporter: SearchReporter, caplog: pytest.LogCaptureFixture
) -> None:
    broken(database)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            search(staff, 1)
            reporter.report()
    wait_for(lambda: staff.get(f"{PATH}/fpir-check").json()["searches"] == 642)

    check = staff.get(f"{PATH}/fpir-check").json()
    metrics = staff.get("/metrics").text

    assert check["verdict"] == "exceeded"
    assert "more false alarms than promised" in check["warning"]
    assert 'gemel_fpir_exceeded{gallery="staff"} 1.0' in metrics
    assert 'gemel_fpir_check_searches{gallery="staff"} 642.0' in metrics
    mine = [line for line in caplog.records if line.threadName == threading.current_thread().name]
    assert [line.levelname for line in mine if "more false alarms" in line.message] == ["WARNING"]


def test_a_new_calibration_starts_at_zero(staff: TestClient, database: Database) -> None:
    broken(database)
    with database.transaction() as session:
        gallery = galleries.get(session, "staff")
        assert gallery.model_id is not None
        calibrations.add(
            session, gallery_id=gallery.id, model_id=gallery.model_id, source="gallery", parameters={}
        )

    assert staff.get(f"{PATH}/fpir-check").json()["searches"] == 0
    assert "gemel_fpir_exceeded{" not in staff.get("/metrics").text


def test_counts_are_kept_while_postgresql_is_unavailable(staff: TestClient, database: Database) -> None:
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
    unavailable = Database("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    tally = SearchTally()
    lost = SearchReporter(unavailable, tally, every_seconds=NEVER)
    lost.close()  # its thread has ended: only the test reports
    tally.give_back({(gallery.id, basis_of(gallery)): SearchCounts(searches=3)})

    with pytest.raises(DatabaseUnavailable):
        lost.report()
    stored = SearchReporter(database, tally, every_seconds=NEVER)
    stored.close()

    assert staff.get(f"{PATH}/fpir-check").json()["searches"] == 3
    unavailable.close()


def test_the_command_shows_the_check_of_all_processes(
    staff: TestClient, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(database)
    with database.reading() as session:
        counts = search_counts.recent(
            session, galleries.get(session, "staff").id, basis_of(galleries.get(session, "staff"))
        )

    print_gallery(
        {
            "name": "staff",
            "identities": 120,
            "faces": 120,
            "model": strangers.CARD.fingerprint,
            "threshold": None,
            "duplicate_threshold": None,
            "fpir_check": FpirCheck.of(counts).model_dump(),
            "remember_unknown": False,
            "attributes": None,
            "liveness": "report",
        }
    )

    shown = capsys.readouterr().out
    assert "640 searches, 640 matched" in shown
    assert "Warning: more false alarms than promised" in shown
