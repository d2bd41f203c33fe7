"""`gemel detect`, `gemel identify` and `gemel verify`."""

from indexer.cli.recognition.detect import detect
from indexer.cli.recognition.identify import identify
from indexer.cli.recognition.verify import verify

__all__ = ["detect", "identify", "verify"]
