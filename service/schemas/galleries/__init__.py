"""Bodies and answers of galleries, and of what belongs to each: calibrations, index, re-index."""
