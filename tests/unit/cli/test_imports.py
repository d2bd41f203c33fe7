"""`gemel` imports what a command needs when it runs: `gemel --help` and small commands start quickly."""

import subprocess
import sys

HEAVY = ("cv2", "faiss", "fastapi", "openvino", "ray", "sqlalchemy", "torch")


def test_the_list_of_all_commands_imports_no_network_no_database_and_no_server() -> None:
    program = f"""
import sys
from indexer import cli
try:
    cli.main(["--help"])
finally:
    print("imported:", *(name for name in {HEAVY} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert "evaluate" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
