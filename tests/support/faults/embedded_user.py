"""Another process that uses the embedded PostgreSQL of a home, and can be killed."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from indexer.errors import GemelError
from indexer.records import embedded
try:
    print(embedded.start(Path(sys.argv[1])), flush=True)
except GemelError as error:
    sys.exit(f"{error.code}: {error}")
sys.stdin.read()
"""
REPOSITORY = Path(__file__).parents[3]


class User:
    def __init__(self, home: Path, **environment: str) -> None:
        """Returns before the server runs."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home)],
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        """Waits until the server runs."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, self.leave()
        return line

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def leave(self) -> str:
        """Ends the process normally. Returns its standard error."""
        return self._process.communicate(timeout=120)[1]
