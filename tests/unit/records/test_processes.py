"""The processes of a data folder, on systems that hide processes of other accounts (hidepid)."""

from pathlib import Path

import psutil
import pytest

from indexer.records.embedded import processes


class Hidden:
    """Of another account, where /proc is mounted with hidepid=1: it is listed, and all else is denied."""

    pid = 1

    def name(self) -> str:
        raise psutil.AccessDenied(self.pid)

    def kill(self) -> None:
        pytest.fail("it is none of ours")


def test_hidden_processes_are_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postmaster.pid").write_text("1\n")
    monkeypatch.setattr(psutil, "process_iter", lambda: iter([Hidden()]))
    monkeypatch.setattr(psutil, "Process", lambda _: Hidden())

    processes.kill_all(tmp_path)

    assert processes.find_server(tmp_path) is None
