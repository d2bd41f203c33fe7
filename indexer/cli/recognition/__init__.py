"""`gemel identify` and `gemel verify`."""

from indexer.cli.recognition.identify import identify
from indexer.cli.recognition.verify import verify

__all__ = ["identify", "verify"]
