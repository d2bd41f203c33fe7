"""`gemel reindex ...` in a terminal of 80 columns, and for programs."""

import itertools
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.embedding.catalog import dlib_resnet, sface
from tests.support.home import GEMEL, Home
from tests.support.pictures import jpeg, pixels

LONG = "staff." + "x" * 57
"""A name of the maximum length."""
TO = ("--to", "dlib-resnet")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path, hopper: bytes) -> Iterator[Home]:
    """With two galleries of one person and two faces each."""
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        home.environment["COLUMNS"] = "80"
        enrol_grace(home, hopper)
        yield home


def enrol_grace(home: Home, hopper: bytes) -> None:
    grace = home.folder / "people" / "Grace_Hopper"
    grace.mkdir(parents=True)
    for number in range(2):
        (grace / f"{number}.jpg").write_bytes(jpeg(pixels(hopper), 60 + 10 * number))
    assert home.run("reindex", "status").stdout == "There are no re-index jobs.\n"
    assert "no re-index job is open" in home.run("reindex", "watch", status=1).stderr
    for gallery in ("guests", LONG):
        home.run("enrol", grace.parent, "--gallery", gallery)


@pytest.fixture(autouse=True)
def no_job_is_left(home: Home) -> Iterator[None]:
    yield
    for job in home.json("reindex", "status"):
        if job["state"] not in ("done", "cancelled"):
            home.run("reindex", "cancel", "-g", job["gallery"])


def test_a_plan_fits_the_terminal_and_starts_nothing(home: Home) -> None:
    plan = home.run("reindex", "start", *TO, "-g", LONG, "--dry-run")

    shown = " ".join(plan.stdout.split())
    assert f"{LONG}: {sface(mirror=True).fingerprint} to {dlib_resnet(mirror=True).fingerprint}" in shown
    assert "faces/s, measured on 2" in shown
    assert max(map(len, plan.stdout.splitlines())) <= 80
    assert home.json("reindex", "status") == []


def test_a_start_that_waits_names_the_criteria_that_are_not_met_and_the_next_step(home: Home) -> None:
    done = home.run(
        "reindex", "start", *TO, "-g", LONG, "--gate", "rank1>=2", "--gate", "skipped<=0", "--wait"
    )

    assert "rank1>=2: not met, measured on too few people (1; 299 are needed)" in " ".join(
        done.stdout.split()
    )
    assert "skipped<=0" not in done.stdout.split("criteria are not met")[1], "it is met"
    assert "activate --force" in done.stderr
    lines = done.stderr.splitlines()
    assert any(line.startswith(f"{LONG}: ready, 2/2 faces") for line in lines), "no bar without a terminal"
    events = [line for line in lines if line.startswith("INFO: re-index ")]
    assert any("started" in line for line in events), done.stderr
    assert any("all faces are embedded" in line for line in events)
    rejected = home.run("reindex", "activate", status=1)
    assert "gates_not_passed" in rejected.stderr
    assert "measured on too few people" in " ".join(rejected.stderr.split())
    activated = home.run("reindex", "activate", "--force", "it is a test")
    assert activated.stdout.startswith(f"{LONG}: searches now use dlib-resnet-")
    assert "INFO: re-index" in activated.stderr
    home.run("reindex", "rollback")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_says_that_workers_continue_the_job(home: Home, how: signal.Signals) -> None:
    with (
        home.unused(),
        subprocess.Popen(
            [GEMEL, "reindex", "start", *TO, "-g", LONG, "--wait"],
            env=home.environment,
            cwd=home.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as command,
    ):
        assert command.stderr is not None
        while not (line := command.stderr.readline()).startswith(f"{LONG}: embedding"):
            assert line, "it has ended"
        command.send_signal(how)
        assert "`gemel worker` continues it" in " ".join(command.stderr.read().split())
        assert command.wait(timeout=120) == 130
        assert not (home.folder / "postgresql" / "postmaster.pid").exists(), "no other process uses it"

    [job, *_] = home.json("reindex", "status")
    assert job["state"] not in ("cancelled", "done")


def test_watch_writes_a_line_of_json_for_each_change(home: Home) -> None:
    home.run("reindex", "start", *TO, "-g", "guests", "--gate", "skipped<=0")
    with subprocess.Popen(
        [GEMEL, "reindex", "watch", "--json"],
        env=home.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        lines = [json.loads(watching.stdout.readline())]  # before a worker starts
        with home.worker():
            lines += [json.loads(line) for line in watching.stdout]
            assert watching.wait(60) == 0

    assert (lines[0]["state"], lines[0]["faces"], lines[0]["done"]) == ("embedding", 2, 0)
    assert (lines[-1]["state"], lines[-1]["done"], lines[-1]["problem"]) == ("ready", 2, None)
    for a, b in itertools.pairwise(lines):
        assert a != b


def test_without_a_gallery_every_one_that_can_be_is_re_indexed(home: Home) -> None:
    home.run("reindex", "start", *TO, "-g", "guests")
    started = home.run("reindex", "start", *TO)
    neither = home.run("reindex", "start", *TO)
    which = home.run("reindex", "pause", status=1)
    paused = home.run("reindex", "pause", "-g", "guests")
    table = home.run("reindex", "status").stdout
    watched = home.run("reindex", "watch", "-g", "guests")

    assert "Skipped: gallery 'guests' has an open re-index" in started.stderr
    assert f"{LONG}: started" in started.stdout
    assert "There is no gallery to re-index" in neither.stderr
    assert "choose one with --gallery" in " ".join(which.stderr.split())
    assert paused.stdout.startswith("guests: paused at embedding")
    assert max(map(len, table.splitlines())) <= 80
    assert "paused" in table
    assert dlib_resnet(mirror=True).fingerprint in table
    assert "paused" in watched.stdout, "watch does not wait for a paused job"


def test_each_command_has_an_example_in_its_help(home: Home) -> None:
    listed = home.run("reindex", "--help").stdout
    for name in [
        "start",
        "status",
        "watch",
        "compare",
        "activate",
        "rollback",
        "cleanup",
        "pause",
        "resume",
        "cancel",
    ]:
        assert name in listed
        assert f"gemel reindex {name}" in " ".join(home.run("reindex", name, "--help").stdout.split())


def test_compare_writes_a_page_and_a_file(home: Home, tmp_path: Path) -> None:
    home.run("reindex", "start", *TO, "-g", "guests", "--gate", "skipped<=0", "--wait")
    compared = home.run(
        "reindex", "compare", "-g", "guests", "-o", tmp_path / "all.json", "--html", tmp_path / "a.html"
    )

    assert max(map(len, compared.stdout.splitlines())) <= 80
    assert "skipped<=0: met, it is 0, the limit is 0" in compared.stdout
    assert json.loads((tmp_path / "all.json").read_text())["faces"] == 2
    assert "<html" in (tmp_path / "a.html").read_text()


def test_a_command_without_a_gallery_chooses_a_job_only_if_no_other_fits(home: Home) -> None:
    begin = ("reindex", "start", *TO, "--gate", "skipped<=0", "-g")
    home.run(*begin, "guests", "--wait")
    home.run("reindex", "activate")
    home.run("reindex", "rollback")
    again = home.run("reindex", "activate", status=1)
    none = home.run("reindex", "cleanup", status=1)
    home.run("reindex", "activate", "-g", "guests")
    home.run(*begin, LONG)
    back = home.run("reindex", "rollback")
    paused = home.run("reindex", "pause", "-g", LONG)
    resumed = home.run("reindex", "resume")
    cancelled = home.run("reindex", "cancel")
    left = {job["gallery"]: job["state"] for job in home.json("reindex", "status")[:2]}

    for message in (again.stderr, none.stderr):
        assert "guests (ready, rolled back)" in " ".join(message.split())
        assert "choose one with --gallery" in " ".join(message.split())
    assert back.stdout.startswith("guests: "), "only this job is active"
    assert paused.stdout.startswith(f"{LONG}: paused")
    assert resumed.stdout.startswith(f"{LONG}: resumed")
    assert cancelled.stdout.startswith(f"{LONG}: cancelled"), "the other job was rolled back, and is kept"
    assert left == {"guests": "ready", LONG: "cancelled"}
