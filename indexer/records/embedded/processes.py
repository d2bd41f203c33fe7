"""Finds and stops the processes that serve a data folder; `postmaster.pid` alone may be stale."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A running server, as its `postmaster.pid` describes it."""

    pid: int
    ready: bool
    socket_folder: str
    port: int


def pid_file(data: Path) -> Path:
    return data / "postmaster.pid"


def find_server(data: Path) -> ServerProcess | None:
    """The server of the data folder, ready or still starting.

    None if the file is stale: its server was killed, and another process may have its pid by now; or the
    file is part of a copy of the folder.
    """
    try:
        lines = pid_file(data).read_text().splitlines()
        pid = int(lines[0])
        process = psutil.Process(pid)
        if not _serves(process, data):
            return None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
    complete = len(lines) >= 8
    return ServerProcess(
        pid=pid,
        ready=complete and lines[7].strip() == "ready",
        socket_folder=lines[4] if complete else "",
        port=int(lines[3]) if complete else 0,
    )


def kill_all(data: Path) -> None:
    """Kills what is left of a server without its main process: it would write into the data of the next."""
    orphans = [process for process in psutil.process_iter() if _serves_if_alive(process, data)]
    for process in orphans:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(orphans, timeout=10)


def send_stop(server: ServerProcess, how: signal.Signals) -> None:
    """SIGINT: fast shutdown, which ends connections. SIGQUIT: immediate, and the next start recovers."""
    try:
        os.kill(server.pid, how)
    except ProcessLookupError:
        return


def _serves_if_alive(process: psutil.Process, data: Path) -> bool:
    try:
        return _serves(process, data)
    except psutil.NoSuchProcess:
        return False


def _serves(process: psutil.Process, data: Path) -> bool:
    """By its working folder, which is the data folder. Raises psutil.NoSuchProcess."""
    try:
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        try:
            return os.path.samefile(process.cwd(), data)
        except psutil.AccessDenied:  # of another account: its command line is readable
            return str(data) in process.cmdline()
    except (OSError, psutil.AccessDenied):  # of another account, hidden by hidepid
        return False
