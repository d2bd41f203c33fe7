"""Defaults of the options of `gemel cluster`."""

FPIR = 0.1
"""One false alarm alone does not join two groups, because their mean must reach the threshold. So the rate
may be higher than that of identification. Figures: `docs/explanation/clustering.md`."""
