"""The comparison with other libraries: its task, its figures, its table and its chart."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import task as tasks
from benchmarks.peers.__main__ import measure
from benchmarks.peers.contender import CLIENTS, Answers
from benchmarks.peers.plot import draw
from benchmarks.peers.process import measure as measure_here
from benchmarks.peers.processes import resident_bytes
from benchmarks.peers.table import COLUMNS, markdown, table
from benchmarks.peers.task import Portrait, Task, pose

IMAGES = {
    f"Person_{number}": [Path(f"/lfw/Person_{number}/{i}.jpg") for i in range(1, 2 + number % 3)]
    for number in range(60)
}
"""A third of the people have one photograph."""


def measured(name: str, speed: float) -> dict[str, Any]:
    figures = {
        "identifications_per_s": speed,
        "cpu_ms": 20.0,
        "resident_mb": 400.0,
        "rank1": 0.978,
        "not_found": 3,
    }
    return {
        "name": name,
        "version": "1.0",
        "people": 1000,
        "probes": 500,
        "enrol_s": 20.0,
        "not_enrolled": 2,
        "one": figures,
        "several": figures,
        "way": "8 threads",
    }


ROWS = [measured("gemel", 50.0), {"name": "deepface", "missing": "No module named 'deepface'"}]


def test_the_drawn_people_and_probes_depend_on_the_names_alone() -> None:
    backwards = dict(reversed(IMAGES.items()))
    task = pose(IMAGES, people=20, probes=10)

    assert pose(backwards, people=20, probes=10) == task
    assert [portrait.name for portrait in task.probes[:3]] == ["Person_23", "Person_19", "Person_47"]


def test_each_probe_is_another_photograph_of_an_enrolled_person() -> None:
    task = pose(IMAGES, people=20, probes=10)
    enrolled = {portrait.name: portrait.path for portrait in task.enrolled}

    assert len(enrolled) == 20
    assert len({portrait.name for portrait in task.probes}) == 10
    for probe in task.probes:
        assert Path(probe.path) in IMAGES[probe.name]
        assert enrolled[probe.name] != probe.path


def test_more_people_than_have_two_photographs_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="40 people have several photographs"):
        pose(IMAGES, people=41, probes=10)


def test_a_written_task_is_read_as_it_was(tmp_path: Path) -> None:
    task = pose(IMAGES, people=20, probes=10)
    tasks.write(task, tmp_path / "task.json")

    assert tasks.read(tmp_path / "task.json") == task


class Oracle:
    """A contender that gives the same answers, whatever it is asked."""

    enrolled = 2
    facts = {"version": "1.0", "way": "by heart"}  # noqa: RUF012

    def enrol(self, _: Sequence[Portrait]) -> float:
        return 0.5

    def identify(self, _: Sequence[str], clients: int) -> Answers:
        return Answers(names=["Ann", "Ann", None], seconds=3 / clients, cpu_seconds=0.3, resident_bytes=10**6)


def test_wrong_people_and_probes_without_a_face_are_misses() -> None:
    people = tuple(Portrait(name, f"{name}.jpg") for name in ("Ann", "Bob", "Eve"))
    row = measure_here(Oracle(), Task(enrolled=people, probes=people))

    assert row["not_enrolled"] == 1
    assert row["several"]["rank1"] == round(1 / 3, 4)
    assert row["several"]["not_found"] == 1
    assert row["one"]["identifications_per_s"] == 1
    assert row["several"]["identifications_per_s"] == CLIENTS


def test_a_contender_that_cannot_run_has_a_row_with_the_reason(tmp_path: Path) -> None:
    row = measure("no_such_library", sys.executable, tmp_path)

    assert row["name"] == "no_such_library"
    assert "No module named 'benchmarks.peers.contenders.no_such_library'" in row["missing"]


def test_the_tables_name_a_missing_contender_and_the_reason() -> None:
    lines = list(markdown(ROWS))

    assert table(ROWS).row_count == 2
    assert lines[-1].startswith("| deepface, YuNet and SFace | missing: No module named 'deepface' |")
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 2}


def test_the_chart_is_drawn_with_a_missing_contender(tmp_path: Path) -> None:
    draw(ROWS, tmp_path / "peers.png")

    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_the_memory_of_a_process_includes_that_of_its_descendants() -> None:
    before = resident_bytes([os.getpid()])
    code = "import sys; kept = b'x' * 200_000_000; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        grown = resident_bytes([os.getpid()]) - before

    assert grown > 150_000_000
