"""What tests do to themselves when they fill the disk."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORTS = """
import sys
sys.path[:0] = sys.argv[1:]
from tests.support.faults import full_disk

full_disk.fill(20)
import long_module
"""


def test_a_module_that_is_imported_on_a_full_disk_leaves_no_half_bytecode(tmp_path: Path) -> None:
    (tmp_path / "long_module.py").write_text(f"text = {'x' * 1_000!r}\n")
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", IMPORTS, str(tmp_path), str(ROOT)], env={"PATH": ""}, check=True
        )
    assert not (tmp_path / "__pycache__").exists()
