"""From a file's bytes to aligned, judged, embedded faces, with the model that a gallery uses.

A face has three shapes on its way in: `types.Face` as the detector found it, `pipeline.AlignedFace` as a
model takes it in, with its quality, and `types.Enrolment` with its embeddings, ready to be recorded.
"""
