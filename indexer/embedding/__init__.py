"""From aligned faces to embeddings: the Siamese network, its verified weights, its fingerprint."""
