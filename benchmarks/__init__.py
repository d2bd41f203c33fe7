"""What the README's figures come from. Each file is run with `python -m benchmarks.NAME`."""
