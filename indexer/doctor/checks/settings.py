"""Settings: misspelt names, and how the server can be reached."""

from collections.abc import Iterator

from indexer.doctor.finding import Finding, ok
from indexer.settings import Settings
from indexer.unknown_settings import find_unknown

CHECK = "settings"


def check(settings: Settings) -> Iterator[Finding]:
    unknown = find_unknown()
    for name, nearest in unknown.items():
        yield Finding(
            check=CHECK,
            level="warning",
            code="setting_unknown",
            text=f"There is no setting {name}.",
            advice=f"Did you mean {nearest}?" if nearest else "Remove it, or correct its name.",
        )
    if settings.audit == "off":
        yield Finding(
            check=CHECK,
            level="warning",
            code="audit_off",
            text="No event is written to the audit record.",
            advice="Set GEMEL_AUDIT=on, unless another system keeps such a record.",
        )
    elif not unknown:
        yield ok(CHECK, "Every setting is known.")
