"""The URL of a database: from the setting to the driver's form."""

from sqlalchemy import URL, make_url

from indexer.errors import Misconfigured


def driver_url(url: str) -> str:
    """`url` with psycopg2 as its driver. Accepts `postgres://` too. Raises Misconfigured."""
    return _text(parsed(url))


def with_password(url: str, password: str | None) -> str:
    """`password`: not percent-encoded; None keeps the URL's own. Raises Misconfigured."""
    found = parsed(url)
    return _text(found if password is None else found.set(password=password))


def parsed(url: str) -> URL:
    """Raises Misconfigured, with a message that never shows a password."""
    try:
        found = make_url(url.replace("postgres://", "postgresql://", 1))
    except Exception:
        raise Misconfigured("GEMEL_DATABASE_URL is not a database URL") from None
    if found.get_backend_name() != "postgresql":
        raise Misconfigured(f"GEMEL_DATABASE_URL must be a postgresql:// URL, not {found.drivername}://")
    if "@" in f"{found.host or ''}{found.database or ''}":
        raise Misconfigured(
            "GEMEL_DATABASE_URL has one @ too many: in its password write %40 for @, %2F for / and %25 for %;"
            " or leave the password out, and set GEMEL_DATABASE_PASSWORD, which needs no encoding"
        )
    return found.set(drivername="postgresql+psycopg2")


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
