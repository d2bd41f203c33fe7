"""The source of the documents' figures. Each module is run with `python -m benchmarks.NAME`."""
