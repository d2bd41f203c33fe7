"""What a large gallery is held to, a small one is held to here."""

import pytest

from tests.support.faults.node import SMALL


@pytest.fixture(autouse=True)
def small_indexes_have_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    for (module, name), value in SMALL.items():
        monkeypatch.setattr(module, name, value)
