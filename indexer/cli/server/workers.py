"""Several server processes on one port. Uvicorn starts them, replaces those that die, and stops them."""

import os
import socket
from tempfile import TemporaryDirectory

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess


def supervise(config: uvicorn.Config, listening: socket.socket) -> None:
    """Run until a signal stops all processes. Raises SystemExit if one of them could not start."""
    with TemporaryDirectory(prefix="gemel-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        supervisor = _Supervisor(config, sockets=[listening])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


class _Supervisor(Multiprocess):
    def keep_subprocess_alive(self) -> None:
        # Uvicorn leaves the workers' ends of its pipes open. It then waits for a dead worker's answer as long
        # as for a slow one's, and handles no signals meanwhile.
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()

    def terminate_all(self) -> None:
        super().terminate_all()
        # Otherwise the system would go on accepting connections for a process that serves none.
        for listening in self.sockets:
            listening.close()
