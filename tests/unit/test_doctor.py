"""The doctor's checks of this machine, and that no check hangs or hides the others."""

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer import memory, tls
from indexer.doctor.checks import access, certificate, machine, postgresql, settings, weights
from indexer.doctor.examination import Doctor
from indexer.doctor.finding import Finding, Level, ok
from indexer.errors import Busy, DatabaseUnavailable, Misconfigured
from indexer.records.database.condition import Condition
from indexer.settings import Settings
from tests.support.certificates import make_certificate, needs_openssl


def found(level: Level, name: str = "one") -> Finding:
    return Finding(check=name, level=level, code=name, text="It is so.")


def test_the_worst_is_first_and_says_how_it_is() -> None:
    doctor = Doctor([{"a": lambda: [found("ok"), found("warning")], "b": lambda: [found("problem")]}])

    examination = doctor.examine()

    assert [finding.level for finding in examination.findings] == ["problem", "warning", "ok"]
    assert examination.level == "problem"


def test_a_check_that_hangs_is_a_finding_and_holds_one_thread(caplog: pytest.LogCaptureFixture) -> None:
    release, starts = threading.Event(), []

    def hangs() -> Iterator[Finding]:
        starts.append(1)
        release.wait(30)
        yield ok("disk", "It is there.")

    doctor = Doctor([{"disk": hangs}, {"other": lambda: [found("info")]}], deadline_seconds=0.05)
    try:
        for _ in range(3):
            examination = doctor._examine()
            assert [finding.code for finding in examination.findings] == ["check_unfinished", "one"]
            assert examination.findings[0].check == "disk"
    finally:
        release.set()
    assert len(starts) == 1


@pytest.mark.parametrize("error", [Busy("slow"), ValueError("a fault of the check")])
def test_a_check_that_fails_does_not_hide_those_after_it(error: Exception) -> None:
    def fails() -> list[Finding]:
        raise error

    examination = Doctor([{"first": fails, "second": lambda: [found("ok", "second")]}]).examine()

    assert {finding.check for finding in examination.findings} == {"first", "second"}
    assert examination.findings[0].text.startswith("Not checked")


def test_without_postgresql_nothing_that_needs_it_is_tried() -> None:
    def away() -> list[Finding]:
        raise DatabaseUnavailable("PostgreSQL does not answer")

    tried = []

    def check_keys() -> list[Finding]:
        tried.append(1)
        return []

    doctor = Doctor([{"postgresql": away, "keys": check_keys}])

    [finding] = doctor.examine().findings

    assert (finding.level, finding.code) == ("problem", "database_unavailable")
    assert not tried


@pytest.mark.parametrize(
    ("free", "level"), [(50 * 10**9, "ok"), (10**9, "warning"), (100 * 10**6, "problem")]
)
def test_a_full_disk_is_found_before_it_is_full(
    free: int, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))

    [finding] = machine.check_disk(Settings(home=tmp_path / "not" / "yet"))

    assert finding.level == level


@pytest.mark.parametrize(("available", "level"), [(10**9, "ok"), (10**8, "warning")])
def test_little_memory_is_found(available: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: available)

    [finding] = machine.check_memory()

    assert finding.level == level


def test_a_misspelt_setting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMEL_AUDIT_SEARCH", "off")

    [finding] = settings.check(Settings())

    assert (finding.level, finding.code) == ("warning", "setting_unknown")
    assert finding.advice == "Did you mean GEMEL_AUDIT_SEARCHES?"


def test_a_default_model_without_weights_is_a_problem(tmp_path: Path) -> None:
    [finding] = weights.check(Settings(home=tmp_path, model="sface+reid0095"))

    assert (finding.level, finding.code) == ("problem", "weights_missing")
    assert "gemel models fetch" in finding.text


def test_the_quality_network_is_missed_where_a_limit_needs_it(tmp_path: Path) -> None:
    levels = [
        list(weights.check(Settings(home=tmp_path, max_match_miss_rate=limit)))[1].level for limit in (1, 0.5)
    ]

    assert levels == ["info", "warning"]


@needs_openssl
def test_a_certificate_is_renewed_in_time(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)  # valid for two days
    configured = Settings(tls_cert=cert, tls_key=key)
    output = subprocess.run(
        ["openssl", "x509", "-enddate", "-noout", "-dateopt", "iso_8601", "-in", cert],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert output.strip() == f"notAfter={tls.expiry(cert):%Y-%m-%d %H:%M:%SZ}"
    now = tls.expiry(cert)
    codes = {
        days: [finding.code for finding in certificate.check(configured, now=now - timedelta(days=days))]
        for days in (0, 1, 60)
    }
    assert codes == {0: ["certificate_expired"], 1: ["certificate_expires"], 60: ["certificate_ok"]}


@needs_openssl
def test_a_certificate_that_cannot_be_used_is_found_before_the_next_start(tmp_path: Path) -> None:
    cert, _ = make_certificate(tmp_path / "one")
    _, key = make_certificate(tmp_path / "other")

    [finding] = certificate.check(Settings(tls_cert=cert, tls_key=key))

    assert (finding.level, finding.code) == ("problem", "certificate_unusable")


@needs_openssl
def test_a_certificate_that_is_cut_off_is_told_and_not_a_crash(tmp_path: Path) -> None:
    cert, _ = make_certificate(tmp_path)
    begin, *lines, end = cert.read_text().splitlines()
    for kept in range(len(lines) - 2):  # the name before the time has more than two lines
        cert.write_text("\n".join([begin, *lines[:kept], end]))
        with contextlib.suppress(ValueError):
            assert tls.expiry(cert)
    with pytest.raises(Misconfigured):
        tls.server_context(cert, None)


def test_an_unsafe_postgresql_is_found() -> None:
    condition = Condition(
        version="13.9",
        major=13,
        is_standby=True,
        unsafe=["fsync"],
        autovacuum=False,
        connections=95,
        allowed_connections=97,
        oldest_transaction_seconds=7_200,
        size_bytes=1,
        now=datetime.now(UTC),
    )

    codes = [finding.code for finding in (*postgresql._safety(condition), *postgresql._load(condition))]

    assert codes == [
        "database_read_only",
        "database_unsafe",
        "database_autovacuum_off",
        "database_old",
        "database_connections",
        "database_long_transaction",
    ]


@pytest.mark.parametrize(("seconds", "level"), [(0.1, "ok"), (10, "warning"), (3600, "problem")])
def test_clocks_that_differ_are_found(seconds: float, level: str) -> None:
    assert [finding.level for finding in postgresql._clock(seconds)] == [level]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.2", True), ("::1", True), ("0.0.0.0", False), ("web-1", False)],
)
def test_an_address_is_public_unless_it_is_a_loopback_one(host: str, loopback: bool) -> None:
    assert access._is_loopback(host) is loopback
