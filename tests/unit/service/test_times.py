"""Times that a client sends."""

import pytest
from pydantic import TypeAdapter, ValidationError

from service.requests.times import UtcTime

TIME = TypeAdapter(UtcTime)


def test_a_time_with_any_offset_is_the_same_moment_in_utc() -> None:
    assert TIME.validate_python("2026-01-31T09:30:00-18:33").isoformat() == "2026-02-01T04:03:00+00:00"


@pytest.mark.parametrize("text", ["9999-12-31T23:00:00-05:00", "0001-01-01T00:00:00+05:00"])
def test_a_time_that_utc_cannot_express_is_rejected(text: str) -> None:
    with pytest.raises(ValidationError, match="after year 9999"):
        TIME.validate_python(text)
