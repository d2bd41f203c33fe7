"""Times that a client sends."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(time: datetime) -> datetime:
    """PostgreSQL reads no offset beyond 16 hours."""
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC the time is before year 1 or after year 9999") from None


UtcTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""With a time zone, in UTC."""
