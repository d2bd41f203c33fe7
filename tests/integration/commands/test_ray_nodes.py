"""`gemel cluster up|join|status` as processes: nodes start, are kept running, and leave nothing behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx2
import psutil
import pytest
import yaml  # type: ignore[import-untyped]
from sqlalchemy import make_url, text

from docs.scripts.packages import ROOT
from indexer.cluster.nodes import folders as node_folders
from indexer.cluster.nodes import preparation
from indexer.records.database import schema
from indexer.records.database.session import Database
from tests.support.home import GEMEL, Home, ready, wait_for

ACTOR = """
import sys
import ray
ray.init(sys.argv[1], namespace="test", log_to_driver=False)
@ray.remote(num_cpus=0, resources={"gemel_shard": 1}, max_restarts=-1)
class Actor:
    def pid(self):
        import os
        return os.getpid()
actor = Actor.options(name="one", get_if_exists=True, lifetime="detached").remote()
print(ray.get(actor.pid.remote(), timeout=60))
"""
"""It makes an actor on a node that may hold shards, or finds it, and prints the actor's process."""
CONNECTING = """
import sys
from indexer.cluster.nodes import gcs
print(len(gcs.alive_nodes(gcs.connect(sys.argv[1]))))
"""


class Up:
    """A `gemel cluster up`, ready; a context manager."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.log = home.folder / "up.log"
        self.environment = dict(home.environment)
        self._stack = ExitStack()
        self.process: subprocess.Popen[bytes]
        self.address = ""

    def __enter__(self) -> Self:
        with self._stack:
            command = [str(GEMEL), "cluster", "up", "--shards", "2", "--port", "0"]
            self.process = self._stack.enter_context(running(command, self.log, self.environment))
            wait_for(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None, 240)
            self.address = self.said().split("runs at ")[1].split(",")[0]
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def said(self) -> str:
        return self.log.read_text()

    def nodes(self) -> dict[str, Any]:
        """By name."""
        listed = self.home.process("cluster", "status", self.address, "--json").stdout
        return {node["name"]: node for node in json.loads(listed)["nodes"]}

    def node_processes(self) -> dict[str, psutil.Process]:
        """The process of each node, by the node's name."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error, IndexError, ValueError):
                found[json.loads(child.cmdline()[-1])["name"]] = child
        return found

    def python(self, program: str, status: int = 0, **environment: str) -> str:
        """What a program prints that is given the address of the head, on stdout or stderr."""
        prepared = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.home.folder / "ray" / "token"),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }
        done = subprocess.run(
            [sys.executable, "-c", program, self.address],
            env=self.environment | prepared | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        return done.stdout.strip() if status == 0 else done.stderr


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """At the end of the block it gets SIGTERM, and has a minute to end."""
    with log.open("w") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()


def processes_below(process: psutil.Process) -> list[psutil.Process]:
    """Of nodes: not the embedded PostgreSQL, which the next command of this home stops."""
    return [one for one in process.children(recursive=True) if "postgres" not in one.name()]


def ended(processes: Sequence[psutil.Process]) -> bool:
    """Whether none of them runs. Orphans are zombies until process 1 takes note of them."""

    def runs(process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess):
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return False

    return not any(map(runs, processes))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        yield home


@pytest.fixture(scope="module")
def up(home: Home) -> Iterator[Up]:
    with Up(home) as up:
        yield up
        below = processes_below(psutil.Process(up.process.pid))
    assert up.process.returncode == 0
    assert ended(below)


@pytest.fixture(scope="module")
def databases(home: Home) -> dict[str, str]:
    """URLs of another migrated database and of an empty one."""
    database = Database(home.database_url)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("other", "empty"):
            connection.execute(text(f"CREATE DATABASE {name}"))
    database.close()
    url = make_url(home.database_url)
    urls = {name: url.set(database=name).render_as_string(hide_password=False) for name in ("other", "empty")}
    other = Database(urls["other"])
    schema.migrate(other)
    other.close()
    return urls


def test_the_command_says_where_the_cluster_is_and_what_to_set(up: Up) -> None:
    token = up.home.folder / "ray" / "token"

    assert str(token) in up.said()
    assert f"GEMEL_HOME={up.home.folder} GEMEL_CLUSTER={up.address} GEMEL_SHARD_FACES=1000" in up.said()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert len(token.read_text()) == 64
    nodes = up.nodes()
    assert {name: (node["head"], node["holds_shards"]) for name, node in nodes.items()} == {
        "head": (True, False),
        "node-1": (False, True),
        "node-2": (False, True),
    }
    assert "node-2" in up.home.process("cluster", "status", GEMEL_CLUSTER=up.address).stdout


def test_a_client_without_the_token_is_rejected(up: Up, tmp_path: Path) -> None:
    other = tmp_path / "token"
    other.write_text("0" * 64)

    assert up.python(CONNECTING) == "3"
    assert "InvalidAuthToken" in up.python(CONNECTING, status=1, RAY_AUTH_MODE="disabled")
    assert "InvalidAuthToken" in up.python(CONNECTING, status=1, RAY_AUTH_TOKEN_PATH=str(other))


def test_nodes_listen_on_loopback_only_and_no_server_of_theirs_takes_jobs_without_the_token(up: Up) -> None:
    addresses = {
        connection.laddr
        for process in processes_below(psutil.Process(up.process.pid))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert len(addresses) > 10
    assert {address.ip.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    answers: list[int] = []
    for address in addresses:
        for path in ("/api/jobs/", "/api/job_agent/jobs/"):
            with suppress(httpx2.TransportError):  # it does not speak HTTP/1.1
                url = f"http://127.0.0.1:{address.port}{path}"
                job = {"entrypoint": "true", "submission_id": f"job-{len(answers)}"}
                answers.append(httpx2.post(url, json=job, timeout=10).status_code)
    assert answers.count(401) >= 2 * 3, "the agent of each node answers, and wants the token"
    assert all(status >= 400 for status in answers)


def test_a_killed_node_is_started_again(up: Up) -> None:
    before = up.nodes()["node-2"]["node_id"]
    process = up.node_processes()["node-2"]
    below = processes_below(process)
    assert len(below) >= 3

    process.kill()

    wait_for(lambda: "Node node-2 runs again." in up.said())
    wait_for(lambda: up.nodes()["node-2"]["node_id"] != before)  # the head knows that the first one is dead
    wait_for(lambda: ended(below))


@pytest.mark.long
def test_shards_outlive_the_death_of_the_head_and_are_found_through_the_next_one(up: Up) -> None:
    """The head keeps on disk what it knows. Without that, a new head ends all nodes of the old one."""
    actor = up.python(ACTOR)

    up.node_processes()["head"].kill()

    wait_for(lambda: "Node head runs again." in up.said())
    assert up.python(ACTOR) == actor
    assert psutil.pid_exists(int(actor))


@pytest.mark.parametrize(
    ("address", "environment", "words"),
    [
        ("127.0.0.1:9", {}, "set GEMEL_DATABASE_URL"),
        ("127.0.0.1:9", {"GEMEL_DATABASE_URL": "postgresql://127.0.0.1:9/gemel"}, "PostgreSQL"),
        ("127.0.0.1:9", {"GEMEL_DATABASE_URL": "{empty}"}, "gemel migrate"),
        ("127.0.0.1:9", {"GEMEL_DATABASE_URL": "{url}", "GEMEL_HOME": "{nowhere}"}, "there is no token"),
        ("here", {"GEMEL_DATABASE_URL": "{url}"}, "is not an address of a head"),
    ],
)
def test_a_machine_that_is_not_set_up_is_told_why_before_it_looks_for_the_head(
    home: Home,
    tmp_path: Path,
    databases: dict[str, str],
    address: str,
    environment: dict[str, str],
    words: str,
) -> None:
    values = {"nowhere": str(tmp_path), "url": home.database_url} | databases
    filled = {name: value.format(**values) for name, value in environment.items()}

    said = home.run("cluster", "join", address, status=1, **filled)

    assert words in " ".join(said.stderr.split())


@pytest.mark.long
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"GEMEL_DATABASE_URL": "{other}"}, "uses another database than this machine"),
        ({"GEMEL_DATABASE_URL": "{url}", "RAY_AUTH_TOKEN": "0" * 64}, "rejects the token"),
    ],
)
def test_a_machine_that_does_not_fit_its_head_is_told_why(
    up: Up, databases: dict[str, str], environment: dict[str, str], words: str
) -> None:
    values = {"url": up.home.database_url} | databases
    filled = {name: value.format(**values) for name, value in environment.items()}

    said = up.home.process("cluster", "join", up.address, status=1, **filled)

    assert words in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1, "one sentence, and nothing of Ray's log"


@pytest.mark.long
def test_a_node_waits_for_its_head_and_leaves_on_a_signal(up: Up, tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    for address, words in ((nobody, "does not answer"), (up.address, "Joined the Ray cluster at")):
        log = tmp_path / "join.log"
        environment = up.environment | {"GEMEL_DATABASE_URL": up.home.database_url}
        command = [str(GEMEL), "cluster", "join", address, "--name", "guest", "--no-shards"]
        with running(command, log, environment) as joining:
            wait_for(partial(_has_or_ended, log, words, joining))
            if address == up.address:
                assert up.nodes()["guest"]["holds_shards"] is False
            below = processes_below(psutil.Process(joining.pid))
        assert joining.returncode == 0
        assert ended(below)


@pytest.mark.long
def test_the_commands_of_the_containers_make_a_cluster_that_holds_shards(
    home: Home, tmp_path: Path, hopper: bytes
) -> None:
    """Those of the Compose file, on this machine's own address, with another port than 6379. One of its nodes
    runs, and so each shard has one copy."""
    services = yaml.safe_load((ROOT / "docker" / "cluster" / "compose.yaml").read_text())["services"]
    head_port = free_port()
    environment = dict(home.environment)
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o600)
    environment |= {"RAY_AUTH_TOKEN_PATH": str(token), "GEMEL_PORT": "0"}
    environment |= {"GEMEL_SHARD_FACES": "1", "GEMEL_SHARD_COPIES": "1", "GEMEL_SHARDS": "1"}
    host = preparation.outer_address("")
    started: list[subprocess.Popen[bytes]] = []
    logs: list[Path] = []
    with ExitStack() as stack:
        for name, words in {"head": "The head runs", "node-1": "Joined", "gemel": "Uvicorn running"}.items():
            program, *arguments = [
                word.replace("head:6379", f"{host}:{head_port}").replace("6379", str(head_port))
                for word in services[name]["command"]
            ]
            variables = environment | {"GEMEL_HOME": str(tmp_path / name)}
            if "GEMEL_DATABASE_URL" in services[name]["environment"]:
                variables["GEMEL_DATABASE_URL"] = home.database_url
            variables["PATH"] = f"{GEMEL.parent}:{os.environ['PATH']}"
            logs.append(tmp_path / f"{name}.log")
            command = [str(GEMEL.with_name(program)), *arguments]
            started.append(stack.enter_context(running(command, logs[-1], variables)))
            wait_for(partial(_has_or_ended, logs[-1], words, started[-1]), 240)
        base = logs[-1].read_text().split("Uvicorn running on ")[1].split()[0]
        wait_for(lambda: ready(base))
        with httpx2.Client(base_url=base, timeout=60) as client:
            client.post("/v1/galleries", json={"name": "held"}).raise_for_status()
            client.post("/v1/galleries/held/identities", files={"images": hopper}).raise_for_status()
            known = {
                "RAY_AUTH_TOKEN_PATH": str(token),
                "GEMEL_CLUSTER": f"{host}:{head_port}",
                "GEMEL_SHARD_FACES": "1",
                "GEMEL_SHARD_COPIES": "1",
            }
            wait_for(lambda: faces_of_active_shards(home, known) == [1], 180)
            two = {"GEMEL_SHARD_COPIES": "2"}
            said = home.process("index", "reshard", "held", "--shards", "2", status=0, **known | two).stderr
            assert "copies of each shard: 1 and not 2" in " ".join(said.split())
            assert "more shards (2) than nodes (1)" in " ".join(said.split())
            wait_for(lambda: faces_of_active_shards(home, known) in ([0, 1], [1, 0]), 180)
            answer = client.post("/v1/galleries/held/identify", files={"image": hopper}).raise_for_status()
            [face] = answer.json()["faces"]
            assert face["candidates"][0]["matched"]
        shown = home.process("cluster", "status", status=0, **known).stdout
        assert "held: 2 shards, 1 copy of each, active" in shown
        assert socket.gethostname() in shown, "the name of the node"
        many = ("--shards", "4", "--copies", "8")
        few = home.process(
            "index", "reshard", "held", *many, status=1, **known | {"GEMEL_SHARD_FACES": "100"}
        )
        assert "there cannot be 8 copies" in " ".join(few.stderr.split())
    assert [process.returncode for process in started] == [0, 0, 0], [log.read_text() for log in logs]


def faces_of_active_shards(home: Home, environment: dict[str, str]) -> list[int | None]:
    """Of the shards of all active sets, by `gemel cluster status`."""
    status = json.loads(home.process("cluster", "status", "--json", status=0, **environment).stdout)
    return [
        copy["faces"]
        for one in status["shard_sets"]
        if one["state"] == "active"
        for copy in one["listed"]
        if copy["state"] == "ready"
    ]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _has_or_ended(log: Path, words: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, log.read_text()
    return words in log.read_text()


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_and_no_folder_is_left(home: Home, how: signal.Signals) -> None:
    of_killed, lock = node_folders.make()
    os.close(lock)
    with Up(home) as up:
        assert not of_killed.exists(), "what a killed node has left is removed by the next start"
        below = processes_below(psutil.Process(up.process.pid))
        folders = [json.loads(process.cmdline()[-1])["folder"] for process in up.node_processes().values()]
        assert len(folders) == 3
        assert all(os.path.isdir(folder) for folder in folders)

        up.process.send_signal(how)

        assert up.process.wait(60) == (0 if how != signal.SIGKILL else -how)
    wait_for(lambda: ended(below))
    assert not any(os.path.exists(folder) for folder in folders)
