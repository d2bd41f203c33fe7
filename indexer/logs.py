"""Log lines, as text or as JSON, each with its time and its request."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["text", "json"]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the current request, also in the threads that work for it."""

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
"""Control characters, with which a message could forge a line or move a terminal's cursor."""


def one_line(text: str) -> str:
    """`text` with its control characters escaped, and code points that UTF-8 cannot encode."""
    return text.translate(_ESCAPED).encode("utf-8", "backslashreplace").decode()


class TextFormatter(logging.Formatter):
    """`2026-01-31T09:30:00.123Z INFO    service.app [request id] message`, then the trace, unchanged."""

    def format(self, record: logging.LogRecord) -> str:
        request = request_id.get()
        of = f"[{request}] " if request else ""
        line = f"{_time(record)} {record.levelname:<7} {record.name} {of}"
        line += one_line(record.getMessage())
        trace = _trace(self, record)
        return f"{line}\n{trace}" if trace else line


class JsonFormatter(logging.Formatter):
    """One object a line: `time`, `level`, `logger`, `message`; and `request_id` and `trace`, if any."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request, trace = request_id.get(), _trace(self, record)
        if request is not None:
            line["request_id"] = request
        if trace:
            line["trace"] = trace
        return json.dumps(line)


def config(level: str, format: Format) -> dict[str, Any]:
    """For `logging.config.dictConfig` in each serving process: the lines of uvicorn and of Gemel go to the
    standard error output."""
    formatter = {"text": TextFormatter, "json": JsonFormatter}[format]
    loggers = ("indexer", "service", "uvicorn")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {name: {"level": level.upper()} for name in loggers},
    }


def _time(record: logging.LogRecord) -> str:
    """UTC, to the millisecond."""
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    trace = formatter.formatException(record.exc_info) if record.exc_info else ""
    return trace + (formatter.formatStack(record.stack_info) if record.stack_info else "")
