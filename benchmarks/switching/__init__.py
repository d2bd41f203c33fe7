"""Whether requests fail while models are swapped: `python -m benchmarks.switching`."""
