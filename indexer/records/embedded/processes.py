"""Which processes serve a data folder: a file says so, and may be wrong after a crash or a copy."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A server, by its `postmaster.pid`."""

    pid: int
    ready: bool
    socket_folder: str
    port: int


def pid_file(data: Path) -> Path:
    return data / "postmaster.pid"


def find_server(data: Path) -> ServerProcess | None:
    """The server of the data folder, ready or still starting.

    None where the file is of one that was killed (its number may be another process's by now), or came
    along with a copy of the folder.
    """
    try:
        lines = pid_file(data).read_text().splitlines()
        pid = int(lines[0])
        process = psutil.Process(pid)
        if not _serves(process, data):
            return None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
    written = len(lines) >= 8
    return ServerProcess(
        pid=pid,
        ready=written and lines[7].strip() == "ready",
        socket_folder=lines[4] if written else "",
        port=int(lines[3]) if written else 0,
    )


def kill_all(data: Path) -> None:
    """Processes of a server whose first one was killed, and which would write into the next one's data."""
    orphans = [process for process in psutil.process_iter() if _serves_or_gone(process, data)]
    for process in orphans:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(orphans, timeout=10)


def ask_to_stop(server: ServerProcess, how: signal.Signals) -> None:
    """SIGINT: ends connections, and writes all to the disk. SIGQUIT: at once, to be recovered at a start."""
    try:
        os.kill(server.pid, how)
    except ProcessLookupError:
        return


def _serves_or_gone(process: psutil.Process, data: Path) -> bool:
    try:
        return _serves(process, data)
    except psutil.NoSuchProcess:
        return False


def _serves(process: psutil.Process, data: Path) -> bool:
    """PostgreSQL's processes work inside of their data folder. Raises psutil.NoSuchProcess."""
    try:
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        try:
            return os.path.samefile(process.cwd(), data)
        except psutil.AccessDenied:  # another account's: its command line can be read all the same
            return str(data) in process.cmdline()
    except (OSError, psutil.AccessDenied):  # of another account, on a system that hides those (hidepid)
        return False
