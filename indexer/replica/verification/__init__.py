"""Proves indexes equal to PostgreSQL: snapshots face by face, and what processes report by digests."""

from indexer.replica.verification.proof import Proof, ShardsProof, Verification, verify

__all__ = ["Proof", "ShardsProof", "Verification", "verify"]
