"""`gemel audit`: reads, verifies, anchors and prunes the audit record, and explains its searches."""

from indexer.cli.audit import searches  # its commands belong to `app`
from indexer.cli.audit.commands import app

__all__ = ["app", "searches"]
