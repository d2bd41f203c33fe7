"""Starts, watches and stops the server."""

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
RESTART_DELAY_SECONDS = 10.0
"""After a clean shutdown: whoever stopped the server may be about to start it again."""
MAX_RETRY_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 60.0
LOCK_TIMEOUT_SECONDS = 10.0
"""For the lock of another process that is ending, or that still has to stop the server."""
LOG_BYTES = 10_000_000
"""The next start renames a longer log to `log.old`."""
_POLL_SECONDS = 0.02


class Server:
    """This process's use of the server of a home.

    If the server is killed, its users restart it. It stops with its last user.
    """

    def __init__(self, home: Path) -> None:
        """Starts the server or joins it. Raises DatabaseUnavailable, DatabaseFull, Misconfigured."""
        self.data = home / "postgresql"
        self._lock, self._users, self._held = (
            home / f"postgresql.{name}" for name in ("lock", "users", "running")
        )
        self._start_failed = f"cannot start the embedded PostgreSQL in {self.data}"
        self._leaving = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locks.exclusive(self._lock):
                self._usage = locks.Usage(self._users)
                try:
                    running = self._find_or_start(create=True)
                except BaseException:
                    if self._usage.end() and self._process is not None:
                        stop(self.data)
                    raise
        except OSError as error:
            raise failures.from_os_error(self._start_failed, error) from error
        self.url = _url(running)
        self._watching = threading.Thread(target=self._watch, name="postgresql", daemon=True)
        self._watching.start()

    def leave(self) -> None:
        """The last user stops the server."""
        self._leaving.set()
        self._watching.join(LOCK_TIMEOUT_SECONDS)
        try:
            with locks.exclusive(self._lock, timeout_seconds=LOCK_TIMEOUT_SECONDS):
                self._leave()
        except TimeoutError:  # another process is starting the server, and so uses it
            self._usage.end()
        except OSError as error:  # the folder is gone, and the server stops by itself
            log.warning("cannot stop the embedded PostgreSQL in %s: %s", self.data, error)

    def _leave(self) -> None:
        last = self._usage.end()
        if last:
            stop(self.data)
        if self._process is None or processes.find_server(self.data) is not None:
            return
        if last:
            _end(self._process)
        else:
            self._process.poll()

    def _find_or_start(self, *, create: bool = False) -> ServerProcess:
        """Call it with the lock held. Raises DatabaseUnavailable, DatabaseFull, Misconfigured, OSError."""
        account = accounts.for_data_folder(self.data)
        running = processes.find_server(self.data)
        if running is None:
            accounts.allow_traversal(self.data.parent, account)
            accounts.allow_execution(binaries.folder(), account)
            if create and not self.data.exists():
                cluster.create(self.data, account)
            self._process = self._spawn(account)
            return self._wait_until_ready(self._process)
        return self._wait_until_ready(None)

    def _spawn(self, account: Account) -> "subprocess.Popen[bytes]":
        programs = cluster.prepare(self.data, account)
        sockets = cluster.socket_folder(self.data, account)
        held = self._clear_leftovers(sockets)
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
                **account.popen_options,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd="/",
                env=cluster.environment(),
                pass_fds=[held],
                start_new_session=True,  # Ctrl-C is meant for the user of the server
                umask=0o077,
            )
        finally:
            os.close(held)
            os.close(log_file)

    def _clear_leftovers(self, sockets: Path) -> int:
        """Removes the lock files of a killed server, whose pids may belong to other processes by now.

        Returns the lock for the new server. Raises DatabaseUnavailable if a server lives that is not visible
        from here.
        """
        processes.kill_all(self.data)
        if self._process is not None:
            self._process.wait()
        try:
            held = locks.lock_for_server(self._held, timeout_seconds=LOCK_TIMEOUT_SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(
                f"another PostgreSQL uses {self.data}, maybe in another container: stop it first"
            ) from None
        socket = sockets / f".s.PGSQL.{cluster.PORT}"
        for leftover in (processes.pid_file(self.data), socket, socket.with_name(f"{socket.name}.lock")):
            leftover.unlink(missing_ok=True)
        return held

    def _wait_until_ready(self, process: "subprocess.Popen[bytes] | None") -> ServerProcess:
        """Without a time limit: after a crash the server replays its write-ahead log first.

        `process`: None if another process started the server.
        """
        began = time.monotonic()
        log_at = began + locks.LOG_INTERVAL_SECONDS
        log_file = self.data / "log"
        while True:
            running = processes.find_server(self.data)
            if running is not None and running.ready:
                return running
            if (running is None) if process is None else (process.poll() is not None):
                raise failures.from_output(self._start_failed, _last_run(log_file), log_file)
            if self._leaving.is_set():
                raise DatabaseUnavailable(f"{self._start_failed}: this process is ending")
            if time.monotonic() > log_at:
                seconds = time.monotonic() - began
                log.warning(
                    "the embedded PostgreSQL has been starting for %.0f s; after a crash it replays its"
                    " write-ahead log first; its log is %s",
                    seconds,
                    log_file,
                )
                log_at = time.monotonic() + locks.LOG_INTERVAL_SECONDS
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
            if not killed and now - missing_since < RESTART_DELAY_SECONDS:
                continue
            try:
                self._restart()
            except (GemelError, OSError) as error:
                pause = min(2 * pause, MAX_RETRY_SECONDS)
                log.error("%s; next attempt in %.0f s", error, pause)

    def _restart(self) -> None:
        with locks.exclusive(self._lock):
            if self._leaving.is_set():
                return
            log.warning("the embedded PostgreSQL in %s has ended: restarting it", self.data)
            self._find_or_start()
        log.warning("the embedded PostgreSQL in %s runs again", self.data)


def stop(data: Path) -> None:
    """By a fast shutdown; if that takes more than a minute, by an immediate one."""
    for how, seconds in ((signal.SIGINT, STOP_TIMEOUT_SECONDS), (signal.SIGQUIT, 10.0)):
        running = processes.find_server(data)
        if running is None:
            return
        processes.send_stop(running, how)
        deadline = time.monotonic() + seconds
        while processes.find_server(data) is not None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    processes.kill_all(data)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """A server that has ended, or that begins: before it has written its pid, `stop` does not find it."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _url(running: ServerProcess) -> str:
    folder = quote(running.socket_folder, safe="/")
    return f"postgresql://{cluster.SUPERUSER}@/postgres?host={folder}&port={running.port}"


def _open_log(path: Path, account: Account) -> int:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name("log.old"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    os.fchown(file, account.uid, account.gid)
    os.write(file, _START_LINE)
    return file


_START_LINE = b"--- Gemel starts PostgreSQL\n"


def _last_run(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64_000))
        return file.read().rpartition(_START_LINE)[2].decode(errors="replace")
