"""Where the data lies, and what may be written about requests."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class StorageSettings(BaseModel):
    home: Path = Field(
        default=Path("~/.local/share/gemel"),
        description="Folder of the embedded PostgreSQL's data and of the indexes",
    )
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL to use instead of the embedded one,"
        " `postgresql://user:password@host/database`; in the password, write `@` as `%40`, `/` as `%2F`"
        " and `%` as `%25`",
    )
    database_password: SecretStr | None = Field(
        default=None,
        description="Password for `GEMEL_DATABASE_URL`, not encoded",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level of the log lines that are written"
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="Log lines as text or as JSON; both have the time and the request's `X-Request-Id`",
    )
    audit: Literal["on", "off"] = Field(
        default="on",
        description="Whether changes, searches and rejected requests are written to the audit record; `off`"
        " writes no event",
    )
    audit_searches: Literal["durable", "required", "best-effort", "off"] = Field(
        default="required",
        description="Searches in the audit record: with `required` a search that cannot be written gets 503,"
        " and a crash of PostgreSQL may lose those of the last second; `durable` waits for the disk;"
        " `best-effort` logs a failure and answers, as on a read-only standby; `off` writes none",
    )
