"""`gemel` as it is typed, on an embedded PostgreSQL of its own: in this process, or in a real one."""

import contextlib
import io
import json
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from indexer import cli
from indexer.cli import output
from indexer.records import embedded
from indexer.settings import Settings

GEMEL = Path(sys.executable).parent / "gemel"


class Home:
    """A folder with a PostgreSQL, and commands that are run on it.

    Each command starts and stops the PostgreSQL, unless somebody uses it. As a context manager the home uses
    it itself, so that it runs from the first command to the last.
    """

    def __init__(self, folder: Path, *, cluster: Path | None = None) -> None:
        """`cluster`: the data folder of a PostgreSQL to begin with a copy of; without one the first command
        makes it."""
        self.folder = folder
        if cluster is not None:
            shutil.copytree(cluster, folder / "postgresql")
        self._held = False
        self.database_url = ""
        """Of the PostgreSQL, while the home uses it."""
        self.environment = {
            # A test in this process may have connected to a Ray cluster, which sets variables of Ray.
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GEMEL_", "RAY_"))
        } | {
            "GEMEL_HOME": str(folder),
            "GEMEL_EMBEDDER_THREADS": "1",  # other tests run beside it
            "COLUMNS": "200",
        }

    def __enter__(self) -> Self:
        self.database_url = embedded.start(self.folder)
        self._held = True
        return self

    def __exit__(self, *_: object) -> None:
        self._held = False
        embedded.stop(self.folder)

    @contextlib.contextmanager
    def unused(self) -> Iterator[None]:
        """Until the end of the block only commands use the PostgreSQL."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def run(
        self, *arguments: object, status: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """In this process, which saves the seconds that imports take. Only the main thread can."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
            _as_a_process(self.environment | environment, self.folder),
            pytest.MonkeyPatch.context() as patched,
        ):
            patched.setattr(sys, "stdin", io.StringIO())
            try:
                cli.main([*map(str, arguments)])
                code = 0
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            finally:
                if not self._held:
                    embedded.stop(self.folder)
        assert code == status, stderr.getvalue()
        return subprocess.CompletedProcess([], code, stdout.getvalue(), stderr.getvalue())

    def process(
        self, *arguments: object, status: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """In a process of its own, by the installed script."""
        done = subprocess.run(
            [GEMEL, *map(str, arguments)],
            env=self.environment | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    @contextlib.contextmanager
    def server(
        self, *arguments: str, command: Sequence[str | Path] = (GEMEL,), **environment: str
    ) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """Address and process of a `gemel serve`, ready; it leads a process group of its own.

        `command`: what runs instead of `gemel`.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (self.folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "serve", "--port", str(port), *arguments],
                env=self.environment | environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        certificate = environment.get("GEMEL_TLS_CERT")
        base = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        try:
            wait_for(lambda: ready(base, certificate) or process.poll() is not None, 180)
            yield base, process
        finally:
            process.terminate()
            process.wait()

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """A `gemel worker`, as long as the block lasts."""
        worker = subprocess.Popen([GEMEL, "worker"], env=self.environment, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            worker.terminate()
            worker.wait()


def ready(base: str, certificate: str | None = None) -> bool:
    """`certificate`: the server's own, if it has one."""
    context = ssl.create_default_context(cafile=certificate) if certificate else _context()
    try:
        return httpx2.get(f"{base}/readyz", timeout=5, verify=context).status_code == 200
    except httpx2.TransportError:
        return False


@cache
def _context() -> ssl.SSLContext:
    """To make one takes more processor time than a request; who waits for a server makes many requests."""
    return ssl.create_default_context()


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """The limit is for what never comes about: on a busy machine everything takes ten times as long."""
    deadline = time.monotonic() + seconds
    pause_seconds = 0.01
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(pause_seconds)
        pause_seconds = min(1.2 * pause_seconds, 0.1)  # what takes longer needs the processor itself


@contextlib.contextmanager
def _as_a_process(environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Variables, current folder, signals and log as a process that begins has them; afterwards as before."""
    variables, current = dict(os.environ), Path.cwd()
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    loggers = logging.getLogger(), logging.getLogger("indexer")
    logs = [(logger, logger.handlers, logger.level) for logger in loggers]
    env_file = Settings.model_config["env_file"]
    consoles = [(console, console.width) for console in (output.console, output.out)]
    try:
        _set_variables(environment)
        for console, _ in consoles:
            console.width = int(environment["COLUMNS"])
        os.chdir(folder)
        Settings.model_config["env_file"] = ".env"
        for logger in loggers:
            logger.handlers = []
        yield
    finally:
        for console, width in consoles:
            console.width = width
        for logger, handlers, level in logs:
            logger.handlers = handlers
            logger.setLevel(level)
        Settings.model_config["env_file"] = env_file
        os.chdir(current)
        for number, handler in signals.items():
            signal.signal(number, handler)
        _set_variables(variables)


def _set_variables(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
