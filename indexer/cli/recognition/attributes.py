"""Attributes of a face, in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from indexer.cli.output import escape_text, out

if TYPE_CHECKING:
    from indexer.usecases.answers.attributes import AttributeEstimate

_UNITS = {"years": " years", "degrees": "°"}


def print_attributes(faces: "Iterable[tuple[str, Mapping[str, AttributeEstimate]]]") -> None:
    """`faces`: what each is called, such as `party.jpg, face 2`, and its attributes."""
    for name, attributes in faces:
        if attributes:
            out.print(f"{escape_text(name)}: {'; '.join(sentences(attributes))}", soft_wrap=True)


def sentences(attributes: "Mapping[str, AttributeEstimate]") -> Iterator[str]:
    """Of each attribute: `mask none (98 %)`, or `mask cannot tell: too small`."""
    for name, estimate in attributes.items():
        good = name == "quality" and estimate.value == []
        yield f"[bold]{name}[/] {'good: nothing to improve' if good else describe(estimate)}"


def describe(estimate: "AttributeEstimate") -> str:
    """The value with its confidence, or why there is none."""
    if estimate.cannot_tell is not None:
        return f"[dim]cannot tell: {estimate.cannot_tell.value.replace('_', ' ')}[/]"
    return _value(estimate) + ("" if estimate.confidence is None else f" ({_share(estimate.confidence)})")


def _share(confidence: float) -> str:
    return "over 99 %" if confidence >= 0.995 else f"{100 * confidence:.0f} %"


def _value(estimate: "AttributeEstimate") -> str:
    value, unit = estimate.value, _UNITS.get(estimate.unit or "", "")
    if isinstance(value, float):
        between = ""
        if estimate.interval is not None:
            low, high = estimate.interval
            between = f", {low:.0f} to {high:.0f}"
        return f"{value:.0f}{unit}{between}"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    return _words(value or "")


def _words(name: str) -> str:
    return escape_text(name.replace("_", " "))
