"""Measures a calibration: from the scores of strangers to a curve with intervals."""
