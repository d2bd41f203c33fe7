"""New data folders of PostgreSQL, copied from one that is made once: `initdb` takes two seconds."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.records.embedded import account as accounts
from indexer.records.embedded import cluster
from indexer.records.embedded.account import Account

initdb: Callable[[Path, Account], None] = cluster.create
"""What makes a data folder outside tests."""


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Until the end of the block, each new data folder of this process is a copy of the first one, which is
    kept in `folder`. Other processes make their own."""
    first = folder / "postgresql"

    def create(data: Path, account: Account) -> None:
        if not first.exists():
            accounts.allow_traversal(folder, account)
            initdb(first, account)
        shutil.copytree(first, data)
        accounts.give_to(data, account)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cluster, "create", create)
        yield


@contextmanager
def made_each_time() -> Iterator[None]:
    """Until the end of the block each new data folder is made by `initdb`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cluster, "create", initdb)
        yield
