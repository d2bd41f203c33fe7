"""The root of all errors."""

from typing import Any, ClassVar


class GemelError(Exception):
    code: ClassVar[str]

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
