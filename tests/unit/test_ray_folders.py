"""Folders of Ray nodes: one whose process was killed is removed by the next start, and no other."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from indexer.cluster.nodes import folders
from tests.support.home import wait_for

HOLDING = """
import subprocess, sys
from indexer.cluster.nodes import folders
folder, lock = folders.make()
subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=0, stdout=2, pass_fds=[lock])
print(folder, flush=True)
sys.stdin.read()
"""
"""It makes a folder, gives the lock to a process of its own, and waits, as that one does."""


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other folder of this machine is touched."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "SHORT_PARENT", tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(folders, "LONGEST_SOCKET", 4096)


def test_a_folder_is_kept_until_the_last_process_that_has_its_lock_is_killed() -> None:
    program = "from indexer.cluster.nodes import folders\nfolders.LONGEST_SOCKET = 4096\n" + HOLDING
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        (folder / "r" / "sockets").mkdir(parents=True)
        assert folders.remove_left_over() == []

        holder.kill()
        holder.wait()

        assert folders.remove_left_over() == [], "its other process still runs"
        assert holder.stdin is not None
        holder.stdin.close()
        wait_for(folders.remove_left_over)
    assert not folder.exists()


def test_a_folder_without_a_lock_and_a_link_are_left_alone(tmp_path: Path) -> None:
    """The first is just being made; the second may lead anywhere."""
    (tmp_path / f"{folders.PREFIX}new").mkdir()
    elsewhere, lock = folders.make()
    os.close(lock)
    kept = elsewhere.rename(tmp_path / "elsewhere")
    (tmp_path / f"{folders.PREFIX}link").symlink_to(kept)

    assert folders.remove_left_over() == []
    assert kept.exists()

    back = kept.rename(tmp_path / f"{folders.PREFIX}back")
    assert folders.remove_left_over() == [back]


FILES = ("a", "lock.old", "r/sockets/store", "z")


@pytest.mark.parametrize("removed", range(len(FILES) + 1))
def test_a_folder_whose_removal_was_interrupted_is_removed_by_the_next_start(
    removed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many of its files."""
    folder, lock = folders.make()
    os.close(lock)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    left, unlink = removed, os.unlink

    def interrupted(*arguments: Any, **options: Any) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        unlink(*arguments, **options)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, "unlink", interrupted)
        folders.remove_left_over()

    assert folders.remove_left_over() == [folder]
    assert not folder.exists()
