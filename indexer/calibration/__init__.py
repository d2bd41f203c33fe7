"""What a score means: measured curves, the calibration that is active for a gallery, and its policy."""
