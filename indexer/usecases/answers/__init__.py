"""The answers as JSON: the bodies of the HTTP API, and what the commands print with `--json`.

A field that is added here is in both.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

MODEL_EXAMPLE = "sface-f5ebfac0c7ff"
ID_EXAMPLE = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"
AuditId = Annotated[
    UUID | None,
    Field(
        description="Of this answer's event in the audit record: `/v1/audit/{id}/explain` explains the"
        " answer. Null where there is no audit record",
        examples=[ID_EXAMPLE],
    ),
]
TIMINGS_EXAMPLE = {"decode": 3.1, "detect": 11.2, "align": 0.4, "embed": 27.9, "total": 44.0}


def rounded_rate(rate: float) -> float:
    """To four significant digits: no measurement supports more."""
    return float(f"{rate:.4g}")


def rounded_timings(timings_ms: dict[str, float]) -> dict[str, float]:
    return {stage: round(milliseconds, 3) for stage, milliseconds in timings_ms.items()}
