"""A signal stops a process, whatever the process does at that moment."""

import subprocess
import sys

from docs.scripts.packages import ROOT

WAITS = """
import signal
from indexer.cluster.nodes.stop_request import StopRequest
for turn in range(4_000):
    stop = StopRequest()
    signal.signal(signal.SIGALRM, lambda *_: stop.set())
    signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + turn % 100))
    while not stop.wait(0.00002):
        pass
"""


def test_a_signal_at_any_moment_of_a_wait_ends_it() -> None:
    """With a `threading.Event` in its place, the program hangs within the first hundreds of turns."""
    subprocess.run([sys.executable, "-c", WAITS], cwd=ROOT, check=True, timeout=120)
