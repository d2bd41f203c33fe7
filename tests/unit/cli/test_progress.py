"""Without a terminal, progress is printed as lines, suitable for a log."""

import io

import pytest

from indexer.cli import output, progress


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    file = io.StringIO()
    monkeypatch.setattr(output.console, "_file", file)
    return file


def test_long_work_prints_its_progress_and_its_end(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with progress.progress_bar("pictures") as bar:
        task = bar.add_task("Enrolling", total=3)
        for _ in range(3):
            bar.advance(task)

    lines = written.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "Enrolling: 1/3",
        "Enrolling: 2/3",
        "Enrolling: 3/3",
    ]
    assert "done in" in lines[-1]
    assert "\x1b" not in written.getvalue()


def test_short_work_prints_only_its_end(written: io.StringIO) -> None:
    with progress.progress_bar() as bar:
        task = bar.add_task("staff", total=1000)
        for done in range(1, 1001):
            bar.update(task, completed=done)
        bar.update(task, completed=1000)

    assert len(written.getvalue().splitlines()) == 1
