"""Attributes of the faces that `gemel enrol` has enrolled: of each file in JSON, and counted for people."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from indexer.cli.output import escape_text, out

if TYPE_CHECKING:
    from indexer.attributes.estimate import Estimate
    from indexer.usecases.folder_outcome import FolderOutcome

_SHOWN = 10
"""Most different values of an attribute that are counted one by one."""


def attributes_of(result: "FolderOutcome") -> list[dict[str, Any]]:
    from indexer.usecases.answers.attributes import answered

    return [
        {
            "image": str(file.path),
            "person": file.person,
            "attributes": {
                name: estimate.model_dump(mode="json") for name, estimate in answered(file.estimates).items()
            },
        }
        for file in result.files
        if file.estimates
    ]


def print_counts(result: "FolderOutcome") -> None:
    counts: dict[str, Counter[str]] = {}
    for file in result.files:
        for name, estimate in file.estimates.items():
            counts.setdefault(name, Counter())[_group(estimate)] += 1
    if counts:
        out.print("\nAttributes of the new faces; `--json` has those of each file:")
    for name, values in counts.items():
        listed = ", ".join(f"{count:,} {escape_text(value)}" for value, count in values.most_common(_SHOWN))
        out.print(f"  [bold]{name}[/]: {listed}", highlight=False, soft_wrap=True)


def _group(estimate: "Estimate") -> str:
    """A number is counted by tens."""
    value = estimate.value
    if estimate.cannot_tell is not None or value is None:
        why = "" if estimate.cannot_tell is None else f" ({estimate.cannot_tell.value.replace('_', ' ')})"
        return f"cannot tell{why}"
    if isinstance(value, float):
        tens = int(value // 10 * 10)
        return f"of {tens} to {tens + 9} {estimate.unit or ''}".rstrip()
    if isinstance(value, tuple):
        return " and ".join(value).replace("_", " ") or "none"
    return value.replace("_", " ")
