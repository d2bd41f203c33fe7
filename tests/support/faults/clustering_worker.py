"""A worker of clusterings in a process of its own, that is killed at a chosen step."""

import signal
from pathlib import Path

from indexer.calibration.resolver import CalibrationResolver
from indexer.gallery_jobs.clustering import join
from indexer.gallery_jobs.worker import JobWorker
from indexer.records.gallery_jobs import leases
from tests.support.faults.death import die_at
from tests.support.faults.forkserver import exit_code
from tests.support.faults.node import Node


def killed_at(step: str, url: str, home: Path) -> None:
    """A worker has begun, and was killed."""
    assert exit_code(_work, step, url, home) == -signal.SIGKILL


def work(node: Node, *, pairs_at_once: int = 2) -> bool:
    """Works on the clustering that waits, if there is one."""
    join.PAIRS = pairs_at_once
    calibrations = CalibrationResolver(node.database, node.index_store.models, 0.01)
    worker = JobWorker(node.index_store, calibrations)
    with node.database.transaction() as session:
        job = leases.claim(session, worker.name)
    if job is not None:
        worker.run_here(job, lambda _: None)
    return job is not None


def _work(step: str, url: str, home: Path) -> None:
    die_at(step)
    work(Node(url, home, keeping=False))
