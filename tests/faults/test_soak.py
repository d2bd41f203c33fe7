"""A process that lives long stays as large as it is."""

from pathlib import Path

import numpy as np
import pytest

from indexer.records import galleries
from indexer.records.database.session import Database
from tests.support.faults.driven import Driven
from tests.support.faults.node import GALLERY

STINT = 100
"""People that come and go between two looks at the memory."""


@pytest.mark.parametrize("stints", [5, pytest.param(30, marks=pytest.mark.long)])
def test_memory_does_not_grow(database: Database, migrated: str, tmp_path: Path, stints: int) -> None:
    """A kilobyte that is lost with every person would be 100 kB a stint, and be seen."""
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    process = Driven(migrated, tmp_path)
    for person in range(100):
        process.do("enrol", person=person)

    process.do("live", people=STINT)  # pools and caches fill
    resident = [process.do("live", people=STINT) for _ in range(stints)]

    process.kill()
    growth = np.polyfit(range(len(resident)), resident, 1)[0]
    assert growth < 50_000, f"{growth:.0f} bytes a stint: {resident}"
