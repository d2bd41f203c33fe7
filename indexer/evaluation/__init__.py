"""How good a model is, measured on labelled photographs through the pipeline that serves.

One package per measure, each with its numbers (`rates` or `timings`), its `plot` and its `report`. The
thresholds that the service uses do not come from here: see `indexer.calibration`.
"""
