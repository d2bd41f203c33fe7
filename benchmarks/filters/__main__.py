"""Searches among a share of the faces, beside a plain scan of the same faces; and the people of a filter.

    python -m benchmarks.filters --faces 1000000
    python -m benchmarks.filters --faces 1000000 --only postgresql

Each person has one face. Probes are second photographs of selected people. `first` is the first search with a
selection, which looks up the rows of its people; `later` is the median of those that follow; `all` is a
search of all faces, in turn with them. Recall@1 is against a plain scan of the selected vectors.
"""

import argparse

from benchmarks.filters import index, postgresql

SHARES = (1.0, 0.5, 0.01, 0.0001)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faces", type=int, default=1_000_000)
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--only", choices=["index", "postgresql"])
    options = parser.parse_args()
    if options.only != "postgresql":
        index.measure(options.faces, options.searches, SHARES)
    if options.only != "index":
        postgresql.measure(options.faces)


main()
