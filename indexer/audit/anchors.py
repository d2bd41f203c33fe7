"""Anchors: the number and the hash of the last row, kept where nobody can change them with the database."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self
from urllib import request
from urllib.parse import urlsplit

from indexer.errors import AnchorNotWritten, InvalidRequest
from indexer.records.audit import rows
from indexer.records.audit.chain import time_text
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    number: int
    hash: bytes
    at: str
    """Time of the row, as text."""

    def as_json(self) -> dict[str, Any]:
        return {"number": self.number, "hash": self.hash.hex(), "at": self.at}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ValueError, KeyError, TypeError."""
        digest = bytes.fromhex(value["hash"])
        if len(digest) != 32 or int(value["number"]) < 0:
            raise ValueError("no hash")
        datetime.fromisoformat(value["at"])
        return cls(number=int(value["number"]), hash=digest, at=value["at"])


def take(database: Database, targets: list[str]) -> Anchor:
    """An anchor of the present head. The record gets an event of it first, which the anchor covers.

    `targets`: where it will be written, for the event. Raises DatabaseUnavailable.
    """
    with database.transaction() as session:
        record(session, AuditEvent(action=Action.AUDIT_ANCHORED, details={"targets": targets}))
    with database.reading() as session:
        head = rows.head(session)
    return Anchor(number=head.number, hash=head.hash, at=time_text(head.at))


def append(anchor: Anchor, path: Path) -> None:
    """Adds a line, and returns once it is on the disk. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(anchor.as_json()) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> Iterator[Anchor]:
    """Raises OSError, InvalidRequest."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield Anchor.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidRequest(
                    f"{path}, line {number}: not an anchor ({error!r})", field="anchors"
                ) from error


def check_webhook(url: str) -> str:
    """`url`. Raises InvalidRequest."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise InvalidRequest(
            "the webhook must be an address `https://...` or `http://...` without a user", field="webhook"
        )
    return url


def send(anchor: Anchor, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """Posts it as JSON. A redirect is not followed. Raises InvalidRequest, AnchorNotWritten."""
    body = json.dumps(anchor.as_json()).encode()
    posted = request.Request(  # noqa: S310  (check_webhook)
        check_webhook(url), body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with _OPENER.open(posted, timeout=timeout_seconds) as answer:
            answer.read(1)
    except (OSError, HTTPException) as error:  # also URLError and HTTPError
        raise AnchorNotWritten(f"{_without_query(url)} did not accept the anchor: {error}") from error


def _without_query(url: str) -> str:
    """It may have a secret."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


class _NoRedirect(request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = request.build_opener(_NoRedirect)
