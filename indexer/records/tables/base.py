"""What all tables share."""

from typing import Any

from sqlalchemy import DateTime, func
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, mapped_column


class Base(MappedAsDataclass, DeclarativeBase):
    pass


def insertion_time() -> Any:
    """A column for the time at which the transaction that inserts the row began, by the server's clock."""
    return mapped_column(DateTime(timezone=True), server_default=func.now(), init=False)
