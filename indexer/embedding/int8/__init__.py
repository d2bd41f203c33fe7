"""SFace in int8: made from the published weights and from stored figures of its activations."""
