"""The URL of a database, as the setting has it and as the driver takes it."""

from sqlalchemy import URL, make_url

from indexer.errors import Misconfigured


def driver_url(url: str) -> str:
    """`url` with the one driver that is used here; `postgres://` is understood too.

    Raises Misconfigured.
    """
    return _text(parsed(url))


def with_password(url: str, password: str | None) -> str:
    """`password`: as it is, with nothing encoded; None leaves what the URL has. Raises Misconfigured."""
    found = parsed(url)
    return _text(found if password is None else found.set(password=password))


def parsed(url: str) -> URL:
    """Raises Misconfigured, which never shows what may be a password."""
    try:
        found = make_url(url.replace("postgres://", "postgresql://", 1))
    except Exception:
        raise Misconfigured("GEMEL_DATABASE_URL is not a database URL") from None
    if found.get_backend_name() != "postgresql":
        raise Misconfigured(f"GEMEL_DATABASE_URL must name a PostgreSQL, not {found.drivername}")
    if "@" in f"{found.host or ''}{found.database or ''}":
        raise Misconfigured(
            "GEMEL_DATABASE_URL has one @ too many: in its password write %40 for @, %2F for / and %25 for %;"
            " or leave the password out, and give it as it is in GEMEL_DATABASE_PASSWORD"
        )
    return found.set(drivername="postgresql+psycopg2")


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
