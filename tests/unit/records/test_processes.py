"""Which processes serve a data folder, on systems that hide those of other accounts."""

from pathlib import Path

import psutil
import pytest

from indexer.records.embedded import processes


class Hidden:
    """A process of another account where /proc is mounted with hidepid=1: it is listed, and tells nothing."""

    pid = 1

    def name(self) -> str:
        raise psutil.AccessDenied(self.pid)

    def kill(self) -> None:
        pytest.fail("it is none of ours")


def test_processes_that_the_system_hides_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postmaster.pid").write_text("1\n")
    monkeypatch.setattr(psutil, "process_iter", lambda: iter([Hidden()]))
    monkeypatch.setattr(psutil, "Process", lambda _: Hidden())

    processes.kill_all(tmp_path)

    assert processes.find_server(tmp_path) is None
