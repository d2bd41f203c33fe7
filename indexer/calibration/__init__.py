"""What a score means: score curves, and the calibration, policy and threshold of a gallery."""
