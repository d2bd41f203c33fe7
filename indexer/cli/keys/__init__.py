"""The commands of API keys."""

from indexer.cli.keys.commands import app

__all__ = ["app"]
