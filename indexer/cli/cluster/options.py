"""What the options of `gemel cluster` are by default."""

FPIR = 0.1
"""A face that is a false alarm alone does not bring two groups together, for their mean must reach the
threshold. So it may be lower than that of identification. Figures: `docs/explanation/clustering.md`."""
