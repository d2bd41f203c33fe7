"""The commands of galleries."""

from indexer.cli.gallery import transfer  # adds its commands to those of `app`
from indexer.cli.gallery.commands import app

__all__ = ["app", "transfer"]
