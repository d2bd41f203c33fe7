"""The program `ip`."""

import subprocess


def ip(*arguments: str) -> None:
    """Raises RuntimeError with what it says."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
