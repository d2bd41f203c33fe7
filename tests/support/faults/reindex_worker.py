"""A worker of re-index jobs in a process of its own, that is killed at a chosen step."""

import signal
from pathlib import Path

from indexer.embedding import embedder  # noqa: F401  (imported before the fork: torch takes seconds)
from indexer.embedding.catalog import sface
from indexer.records.database.session import Database
from indexer.reindex import steps
from indexer.reindex.worker import Worker
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from tests.support.faults.death import die_at
from tests.support.faults.forkserver import exit_code


def killed_at(step: str, settings: Settings) -> None:
    """A worker has begun, and was killed."""
    assert exit_code(_work, step, str(settings.database_url), settings.home) == -signal.SIGKILL


def _work(step: str, url: str, home: Path) -> None:
    die_at(step)
    steps.DELETE_BATCH = 1
    settings = Settings(database_url=url, home=home)
    index_store = IndexStore.of(settings, Database(url), sface(mirror=True))
    with open_pipeline_factory(settings) as factory:
        Worker(index_store, factory).run()
