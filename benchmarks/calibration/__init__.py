"""Whether calibrated thresholds keep their promise on other people: `python -m benchmarks.calibration`."""
