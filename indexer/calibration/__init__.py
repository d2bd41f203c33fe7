"""What a score means: score curves, and the calibration, policy and threshold of a gallery.

`policy` sets and checks a gallery's false positive rate, `resolver` finds its active calibration, `threshold`
computes the score from both, and `fitting` measures a calibration.
"""
