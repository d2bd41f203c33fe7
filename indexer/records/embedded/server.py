"""The server's process: started, watched, stopped."""

import logging
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

from indexer.errors import DatabaseUnavailable, GemelError
from indexer.records.embedded import account as accounts
from indexer.records.embedded import binaries, cluster, failures, locks, processes
from indexer.records.embedded.account import Account
from indexer.records.embedded.processes import ServerProcess

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
"""With a server that was stopped in good order: whoever did so may be about to start it again."""
MOST_RETRY_SECONDS = 30.0
STOP_SECONDS = 60.0
LOCK_SECONDS = 10.0
"""For a lock of another process that is ending, or that uses the server and will stop it."""
LOG_BYTES = 10_000_000
"""A longer log is put aside at the next start, in the place of the one before it."""
_POLL_SECONDS = 0.02


class Server:
    """This process's use of the server of a home.

    It is started again by whoever uses it, should it be killed, and ends with the last who does.
    """

    def __init__(self, home: Path) -> None:
        """Starts it or joins it. Raises DatabaseUnavailable, DatabaseFull, Misconfigured."""
        self.data = home / "postgresql"
        self._lock, self._users, self._held = (
            home / f"postgresql.{name}" for name in ("lock", "users", "running")
        )
        self._did_not_start = f"the embedded PostgreSQL in {self.data} did not start"
        self._leaving = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locks.exclusive(self._lock):
                self._usage = locks.Usage(self._users)
                try:
                    running = self._found_or_started(create=True)
                except BaseException:
                    if self._usage.end() and self._process is not None:
                        stop(self.data)
                    raise
        except OSError as error:
            raise failures.of_system(
                f"the embedded PostgreSQL in {self.data} did not start", error
            ) from error
        self.url = _url(running)
        self._watching = threading.Thread(target=self._watch, name="postgresql", daemon=True)
        self._watching.start()

    def leave(self) -> None:
        """The last one to leave stops it."""
        self._leaving.set()
        self._watching.join(LOCK_SECONDS)
        try:
            with locks.exclusive(self._lock, most_seconds=LOCK_SECONDS):
                self._leave()
        except TimeoutError:  # somebody is starting it, and so uses it
            self._usage.end()
        except OSError as error:  # the folder is gone, and the server has noticed
            log.warning("the embedded PostgreSQL in %s was not stopped: %s", self.data, error)

    def _leave(self) -> None:
        if self._usage.end():
            stop(self.data)
        if self._process is not None and processes.find_server(self.data) is None:
            self._process.wait()

    def _found_or_started(self, *, create: bool = False) -> ServerProcess:
        """Only while `alone`. Raises DatabaseUnavailable, DatabaseFull, Misconfigured, OSError."""
        account = accounts.for_data(self.data)
        running = processes.find_server(self.data)
        if running is None:
            accounts.let_in(self.data.parent, account)
            accounts.let_run(binaries.folder(), account)
            if create and not self.data.exists():
                cluster.create(self.data, account)
            self._process = self._spawn(account)
            return self._ready(self._process)
        return self._ready(None)

    def _spawn(self, account: Account) -> "subprocess.Popen[bytes]":
        programs = cluster.prepare(self.data, account)
        sockets = cluster.socket_folder(self.data, account)
        held = self._take_over(sockets)
        log_file = _open_log(self.data / "log", account)
        options = {
            "listen_addresses": "",
            "port": str(cluster.PORT),
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        try:
            return subprocess.Popen(
                [programs / "postgres", "-D", self.data, *arguments],
                **account.of_process,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd="/",
                env=cluster.environment(),
                pass_fds=[held],
                start_new_session=True,  # Ctrl-C is for the one who uses it
                umask=0o077,
            )
        finally:
            os.close(held)
            os.close(log_file)

    def _take_over(self, sockets: Path) -> int:
        """From a server that was killed: the numbers in its lock files may be other processes' by now.

        Raises DatabaseUnavailable where one lives that cannot be seen.
        """
        processes.kill_all(self.data)
        if self._process is not None:
            self._process.wait()
        try:
            held = locks.lock_for_server(self._held, most_seconds=LOCK_SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(
                f"a PostgreSQL that cannot be seen from here uses {self.data}, maybe in another container:"
                " stop it first"
            ) from None
        socket = sockets / f".s.PGSQL.{cluster.PORT}"
        for leftover in (processes.pid_file(self.data), socket, socket.with_name(f"{socket.name}.lock")):
            leftover.unlink(missing_ok=True)
        return held

    def _ready(self, process: "subprocess.Popen[bytes] | None") -> ServerProcess:
        """However long it takes: after a crash it reads its write-ahead log. `process`: None of another's."""
        began = time.monotonic()
        say_at = began + locks.SAY_SECONDS
        log_file = self.data / "log"
        while True:
            running = processes.find_server(self.data)
            if running is not None and running.ready:
                return running
            if (running is None) if process is None else (process.poll() is not None):
                raise failures.of_output(self._did_not_start, _last_run(log_file), log_file)
            if self._leaving.is_set():
                raise DatabaseUnavailable(f"{self._did_not_start} before this process ended")
            if time.monotonic() > say_at:
                seconds = time.monotonic() - began
                log.warning(
                    "the embedded PostgreSQL has been starting for %.0f s; after a crash it first recovers"
                    " what it was writing; its log is %s",
                    seconds,
                    log_file,
                )
                say_at = time.monotonic() + locks.SAY_SECONDS
            time.sleep(_POLL_SECONDS)

    def _watch(self) -> None:
        pause, missing_since = WATCH_SECONDS, None
        while not self._leaving.wait(pause):
            now = time.monotonic()
            if processes.find_server(self.data) is not None:
                pause, missing_since = WATCH_SECONDS, None
                continue
            missing_since = now if missing_since is None else missing_since
            killed = processes.pid_file(self.data).exists()
            if not killed and now - missing_since < PATIENCE_SECONDS:
                continue
            try:
                self._start_again()
            except (GemelError, OSError) as error:
                pause = min(2 * pause, MOST_RETRY_SECONDS)
                log.error("%s; another attempt in %.0f s", error, pause)

    def _start_again(self) -> None:
        with locks.exclusive(self._lock):
            if self._leaving.is_set():
                return
            log.warning("the embedded PostgreSQL in %s has ended: it is started again", self.data)
            self._found_or_started()
        log.warning("the embedded PostgreSQL in %s runs again", self.data)


def stop(data: Path) -> None:
    """In good order where it can, at once where that takes more than a minute."""
    for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0)):
        running = processes.find_server(data)
        if running is None:
            return
        processes.ask_to_stop(running, how)
        deadline = time.monotonic() + seconds
        while processes.find_server(data) is not None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    processes.kill_all(data)


def _url(running: ServerProcess) -> str:
    folder = quote(running.socket_folder, safe="/")
    return f"postgresql://{cluster.SUPERUSER}@/postgres?host={folder}&port={running.port}"


def _open_log(path: Path, account: Account) -> int:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name("log.old"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    os.fchown(file, account.uid, account.gid)
    os.write(file, _BEGINNING)
    return file


_BEGINNING = b"--- Gemel starts PostgreSQL\n"


def _last_run(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64_000))
        return file.read().rpartition(_BEGINNING)[2].decode(errors="replace")
