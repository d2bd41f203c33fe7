"""Attributes are words on the terminal."""

from indexer.attributes.estimate import CannotTell
from indexer.cli.recognition.attributes import sentences
from indexer.usecases.answers.attributes import AttributeEstimate


def estimate(value: str | float | list[str] | None, **fields: object) -> AttributeEstimate:
    return AttributeEstimate.model_validate({"value": value, "confidence": None, **fields})


def test_values_their_confidence_and_their_absence_are_words() -> None:
    attributes = {
        "liveness": estimate("live", confidence=0.98),
        "age": estimate(49.2, confidence=0.95, unit="years", interval=[31.0, 70.0]),
        "gender": estimate(None, cannot_tell=CannotTell.TOO_YOUNG),
        "occlusion": estimate([]),
    }

    assert list(sentences(attributes)) == [
        "[bold]liveness[/] live (98 %)",
        "[bold]age[/] 49 years, 31 to 70 (95 %)",
        "[bold]gender[/] [dim]cannot tell: too young[/]",
        "[bold]occlusion[/] none",
    ]


def test_a_picture_that_needs_no_advice_is_said_to_be_good() -> None:
    assert list(sentences({"quality": estimate([])})) == ["[bold]quality[/] good: nothing to improve"]
    assert list(sentences({"quality": estimate(["come_nearer", "more_light"])})) == [
        "[bold]quality[/] come nearer, more light"
    ]
