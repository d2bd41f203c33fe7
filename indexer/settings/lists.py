"""Settings that are lists."""


def separated(value: str | None) -> list[str]:
    """The parts between commas, in lower case, without empty ones."""
    return [part.strip().lower() for part in (value or "").split(",") if part.strip()]
