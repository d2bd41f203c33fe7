"""From aligned faces to embeddings: the twin network, its checked weights, its fingerprint."""
