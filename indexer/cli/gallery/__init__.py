"""The commands of galleries."""

from indexer.cli.gallery import policy, transfer  # they add their commands to those of `app`
from indexer.cli.gallery.commands import app

__all__ = ["app", "policy", "transfer"]
