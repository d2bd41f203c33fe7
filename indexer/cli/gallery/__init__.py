"""The commands of galleries."""

from indexer.cli.gallery.commands import app

__all__ = ["app"]
