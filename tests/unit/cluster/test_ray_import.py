"""What the import of Ray does to a process is put right."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.scripts.packages import ROOT

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed (extra `cluster`)", allow_module_level=True)

OPENED = """
import sys
from contextlib import closing
from pathlib import Path
from indexer.settings import Settings
from indexer.usecases.bootstrap.sharding import open_sharding
from tests.support.strangers import CARD
hook = sys.excepthook
settings = Settings(home=Path(sys.argv[1]), cluster="127.0.0.1:9")
with closing(open_sharding(settings, CARD, serving=True)):
    assert "ray" in sys.modules
    assert sys.excepthook is hook, sys.excepthook
"""
"""Nothing listens at the address."""


def test_an_exception_that_ends_a_process_on_a_ray_cluster_goes_to_the_hook_that_it_had(
    tmp_path: Path,
) -> None:
    """Ray would tell its cluster about it first."""
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path)],
        env=os.environ | {"RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
