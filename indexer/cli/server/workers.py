"""Several processes that serve on one port. Uvicorn starts them, replaces those that die, and ends them."""

import os
import socket
from tempfile import TemporaryDirectory

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess


def supervise(config: uvicorn.Config, listening: socket.socket) -> None:
    """Returns when it was asked to stop and all have ended; exits where one could not start."""
    with TemporaryDirectory(prefix="gemel-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        supervisor = _Supervisor(config, sockets=[listening])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


class _Supervisor(Multiprocess):
    def keep_subprocess_alive(self) -> None:
        # Uvicorn keeps the workers' ends of its pipes open, too, and so awaits the answer of one that has
        # just died for as long as that of one that is slow; signals wait with it.
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()
