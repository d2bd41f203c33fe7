"""Attacks two server processes of its own with a PostgreSQL of its own, all on 127.0.0.1.

Prints a table of what was tried, and exits with 1 if anything got through. Takes some minutes.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

from rich.console import Console

from benchmarks.attacks import table
from benchmarks.attacks.target import serving

KINDS = (
    *("guessing", "timing", "scopes", "paths", "lifecycle", "sessions", "cross_site", "headers", "injection"),
    *("privilege", "races"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--guesses", type=int, default=10_000, help="random keys")
    parser.add_argument("--timings", type=int, default=2_000, help="measurements of each of two requests")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    parser.add_argument("--log", type=Path, help="write the servers' log lines here")
    arguments = parser.parse_args()
    console, attacks = Console(), []
    with serving() as target:
        for kind in arguments.only:
            began = time.monotonic()
            module = importlib.import_module(f"benchmarks.attacks.{kind}")
            attacks += module.attacks(target, arguments)
            console.print(f"{kind}: {time.monotonic() - began:.0f} s")
        if arguments.log:
            arguments.log.write_text(target.log_text())
    console.print(table.rendered(attacks))
    for attack in attacks:
        for what in attack.through[:20]:
            console.print(f"{attack.kind}, {attack.name}: {what}", markup=False, soft_wrap=True)
    if arguments.markdown:
        arguments.markdown.write_text(table.markdown(attacks))
    sys.exit(any(attack.through for attack in attacks))


if __name__ == "__main__":
    main()
