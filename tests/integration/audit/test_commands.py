"""`gemel audit`, as it is typed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.records import embedded
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from tests.support.home import Home

HOSTILE = "staff\x1b[2J\r\nroot deleted everything\u202e\u2028"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        database = Database(embedded.start(home.folder))
        with database.transaction() as session:
            record(session, AuditEvent(action=Action.ACCESS_DENIED, gallery=HOSTILE))
            record(session, AuditEvent(action=Action.EXPORTED, details={"what": HOSTILE}))
        database.close()
        embedded.stop(home.folder)
        yield home


def test_an_event_of_a_command_names_its_user(home: Home) -> None:
    home.run("gallery", "create", "staff")

    [event] = home.json("audit", "list", "--gallery", "staff", "--action", "gallery.created")["events"]

    assert event["caller"].startswith("command line: ")
    assert "@" in event["caller"]
    shown = home.json("audit", "show", event["id"])
    assert shown == event == home.json("audit", "show", event["number"])


def test_names_in_events_move_no_cursor_and_forge_no_line(home: Home) -> None:
    for number in (1, 2):
        for arguments in (["list"], ["show", number], ["export"]):
            printed = home.run("audit", *arguments).stdout
            assert not {"\x1b", "\r", "\u202e", "\u2028"} & set(printed)
            assert "\nroot deleted" not in printed


def test_pages_follow_each_other(home: Home) -> None:
    first = home.json("audit", "list", "--limit", 1)
    second = home.json("audit", "list", "--limit", 1, "--before", first["next"])

    assert second["events"][0]["number"] == first["events"][0]["number"] - 1


def test_verify_says_which_row_was_changed_and_ends_with_status_1(home: Home, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.jsonl"
    home.run("audit", "anchor", "--file", anchors)
    assert "intact" in home.run("audit", "verify", "--anchors", anchors).stdout
    database = Database(embedded.start(home.folder))
    caller = text("UPDATE audit_event SET caller = :caller WHERE number = 1")
    try:
        with database.transaction() as session:
            session.execute(caller, {"caller": "nobody"})
        printed = home.run("audit", "verify", status=1).stdout
    finally:
        with database.transaction() as session:
            session.execute(caller, {"caller": "server"})
        database.close()
        embedded.stop(home.folder)

    assert "row 1: changed" in printed
    assert home.json("audit", "verify")["intact"]


def test_an_export_is_verified_from_its_file(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    home.run("audit", "export", path)

    assert "intact" in home.run("audit", "verify", "--file", path).stdout
    lines = path.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, len(lines) + 1))
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert "row 2: removed" in home.run("audit", "verify", "--file", path, status=1).stdout


def test_a_month_that_has_not_ended_is_not_pruned(home: Home) -> None:
    assert "has not ended" in home.run("audit", "prune", "--before", "2999-01", "--yes", status=1).stderr
    assert "no terminal" in home.run("audit", "prune", "--before", "2020-01", status=1).stderr
    assert home.json("audit", "prune", "--before", "2020-01", "--yes") == {
        "months": [],
        "events": 0,
        "last_number": None,
    }


def test_an_anchor_goes_nowhere_but_to_http(home: Home) -> None:
    assert "webhook" in home.run("audit", "anchor", "--webhook", "file:///etc/passwd", status=1).stderr
