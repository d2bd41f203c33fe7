"""What a GPU brings: search, embedding and re-index, in one run of less than ten minutes.

    python -m benchmarks.gpu --json gpu.json

Without a GPU it says so and ends with status 2.
"""
