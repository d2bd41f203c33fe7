"""How a threshold is computed: from a policy's false positive rate and a gallery's size to a score.

A gallery's policy is an FPIR (`Gallery.identify_fpir`, by default `GEMEL_IDENTIFY_FPIR`). The curve of the
active calibration gives the score that this share of non-mated searches reaches among N faces:
`measured_curve`, where a calibration was measured, else `card_curve`, from the model's card. `decision` asks
the curve.
"""
