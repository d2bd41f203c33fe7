"""`gemel audit`: reads, verifies, anchors and prunes the audit record."""

from indexer.cli.audit.commands import app

__all__ = ["app"]
