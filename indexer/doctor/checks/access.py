"""Keys: whether one is required, and which expire soon. And the anchors of the audit record."""

import ipaddress
from collections.abc import Iterator
from datetime import timedelta

from indexer.doctor.finding import Finding, ok
from indexer.records import api_keys
from indexer.records.audit import rows
from indexer.records.audit.event import Action
from indexer.records.database import condition
from indexer.records.database.session import Database
from indexer.settings import Settings

KEYS, AUDIT = "keys", "audit"
STATEMENT_SECONDS = 3.0
SOON = timedelta(days=7)
RECENT_EVENTS = 20_000
MAX_NAMED = 10


def check_keys(settings: Settings, database: Database) -> Iterator[Finding]:
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        required = settings.api_key is not None or api_keys.any_exists(session)
        expiring = api_keys.list_expiring(session, within=SOON)
    if not required:
        public = not _is_loopback(settings.host)
        yield Finding(
            check=KEYS,
            level="warning" if public else "info",
            code="key_none",
            text="No API key is required"
            + (
                f": the server listens on 127.0.0.1 and not on {settings.host}."
                if public
                else ": everybody on this machine may do everything; other machines cannot connect."
            ),
            advice="Create one with `gemel keys create --role admin` before other machines connect.",
        )
        return
    if not _is_loopback(settings.host) and settings.tls_cert is None and not settings.forwarded_networks:
        yield Finding(
            check=KEYS,
            level="info",
            code="keys_unencrypted",
            text=f"The server on {settings.host} uses HTTP: keys and photographs are not encrypted, unless"
            " a proxy in front of it uses HTTPS.",
            advice="Set GEMEL_TLS_CERT, or GEMEL_FORWARDED_ALLOW_IPS where a proxy is in front.",
        )
    for key in expiring[:MAX_NAMED]:
        yield Finding(
            check=KEYS,
            level="warning",
            code="key_expires",
            text=f"The key {key.name} ({key.prefix}) expires at {key.expires_at:%Y-%m-%d %H:%M} UTC.",
            advice="Create another key for its users: `gemel keys create`.",
        )
    if not expiring:
        yield ok(KEYS, f"API keys are required, and none expires within {SOON.days} days.")


def check_audit(database: Database) -> Iterator[Finding]:
    if not database.audit:
        return
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        head = rows.head(session)
        anchored_at = rows.last_time(session, Action.AUDIT_ANCHORED, among=RECENT_EVENTS)
    if head.number == 0:
        yield ok(AUDIT, "The audit record is empty.")
    elif anchored_at is None:
        yield Finding(
            check=AUDIT,
            level="info",
            code="audit_not_anchored",
            text=f"None of the last {min(head.number, RECENT_EVENTS):,} events of the audit record is an"
            " anchor: somebody who can write to the database can change them unnoticed.",
            advice="Run `gemel audit anchor --file ...` regularly, with a file that the server cannot write.",
        )
    else:
        yield ok(AUDIT, f"{head.number:,} events; the last anchor is of {anchored_at:%Y-%m-%d %H:%M} UTC.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
