"""A Ray cluster of machines: a head, machines that hold shards, and one whose processes search."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machines.gemel import log_of, start_gemel
from benchmarks.machines.machine import Machine
from benchmarks.machines.network import Network

PORT = 6379
TOKEN = "RAY_AUTH_TOKEN"


class RayMachines:
    """Their processes end with the network."""

    def __init__(self, network: Network, home: Path, url: str, *, nodes: int) -> None:
        """`nodes`: that hold shards. The last one has a cable that can be slow."""
        self._url = url
        self._token = secrets.token_hex(32)
        self.head = network.machine(home / "head")
        self.holding = [
            network.machine(home / f"node{number}", slow=number == nodes) for number in range(1, nodes + 1)
        ]
        self.server = network.machine(home / "server")
        self.address = f"{self.head.address}:{PORT}"

    @property
    def machines(self) -> list[Machine]:
        return [self.head, *self.holding, self.server]

    def start(self, machine: Machine) -> None:
        """Its `gemel cluster join`, also after a kill. Returns at once."""
        if machine is self.head:
            how = ["--head", "--port", str(PORT)]
        elif machine is self.server:
            how = [self.address, "--no-shards"]
        else:
            how = [self.address]
        start_gemel(
            machine,
            self._url,
            *("cluster", "join", *how, "--host", machine.address, "--name", machine.home.name),
            variables={TOKEN: self._token},
        )

    def run(self, *arguments: str, variables: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """`python ARGUMENTS` on the machine whose processes search."""
        python_path = os.pathsep.join(path for path in sys.path if path)
        with log_of(self.server).with_name("server.log").open("ab") as log:
            return self.server.start(
                sys.executable,
                *arguments,
                variables={
                    TOKEN: self._token,
                    "GEMEL_DATABASE_URL": self._url,
                    "GEMEL_HOME": str(self.server.home),
                    "OMP_NUM_THREADS": "1",
                    "PYTHONPATH": python_path,
                }
                | dict(variables or {}),
                log=log,
            )
