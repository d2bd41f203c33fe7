"""Trains small heads on the features of the published expression network: of a face alone, and by comparison
with other pictures of the person."""
