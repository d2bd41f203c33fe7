"""The server's TLS certificate: whether it and its key fit together, and when it expires."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from indexer import tls
from indexer.doctor.finding import Finding, ok
from indexer.errors import Misconfigured
from indexer.settings import Settings

CHECK = "certificate"
SOON = timedelta(days=14)


def check(settings: Settings, *, now: datetime | None = None) -> Iterator[Finding]:
    """Of the file. A server that runs has the one that the file held at its start."""
    if settings.tls_cert is None:
        return
    try:
        tls.server_context(settings.tls_cert, settings.tls_key)
        expires_at = tls.expiry(settings.tls_cert)
    except (Misconfigured, ValueError, ssl.SSLError) as error:
        yield Finding(
            check=CHECK,
            level="problem",
            code="certificate_unusable",
            text=f"The certificate cannot be used: {error}.",
            advice="Correct GEMEL_TLS_CERT and GEMEL_TLS_KEY; otherwise the next start fails.",
        )
        return
    now = now or datetime.now(UTC)
    day = f"{expires_at:%Y-%m-%d %H:%M} UTC"
    advice = "Get a new certificate and restart the server, which reads the file at its start."
    if expires_at <= now:
        text = f"The certificate expired at {day}: clients do not connect."
        yield Finding(check=CHECK, level="problem", code="certificate_expired", text=text, advice=advice)
    elif expires_at - now < SOON:
        text = f"The certificate expires in {(expires_at - now).days} days, at {day}."
        yield Finding(check=CHECK, level="warning", code="certificate_expires", text=text, advice=advice)
    else:
        yield ok(CHECK, f"The certificate is valid until {day}.")
