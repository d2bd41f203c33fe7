"""Searches with several enrolled images a person, against plain loops."""

from pathlib import Path

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.identification import several
from indexer.evaluation.identification.several import search_several, split_several
from indexer.evaluation.lfw import Person
from indexer.pipeline.embed_files import NO_SCORE, Embeddings
from indexer.types import PersonScore
from tests.support.vectors import unit_vectors


def person(name: str, images: int) -> Person:
    return Person(name=name, images=tuple(Path(f"{name}_{number}") for number in range(images)))


def test_people_with_enough_images_are_searched_for_and_others_are_only_enrolled() -> None:
    split = split_several(
        [person("a", 5), person("b", 2), person("c", 1), person("d", 4)], enrol=3, min_images=5
    )

    assert split.gallery == (
        (Path("a_0"), Path("a_1"), Path("a_2")),
        (Path("b_0"), Path("b_1")),
        (Path("d_0"), Path("d_1"), Path("d_2")),
    )
    assert split.mated == (Path("a_3"), Path("a_4"))
    assert split.mates == (0, 0)
    assert split.nonmated == (Path("c_0"),)


@pytest.mark.parametrize(("enrol", "min_images"), [(3, 3), (3, 9)])
def test_a_set_that_leaves_no_probe_is_rejected(enrol: int, min_images: int) -> None:
    with pytest.raises(InvalidRequest):
        split_several([person("a", 5), person("c", 1)], enrol=enrol, min_images=min_images)


@pytest.mark.parametrize("block", [1, 1024])
def test_both_scores_equal_those_of_plain_loops(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(several, "_BLOCK", block)
    rng = np.random.default_rng(0)
    people = [person(f"p{number}", int(rng.integers(2, 7))) for number in range(20)]
    people += [person(f"s{number}", 1) for number in range(15)]
    files = tuple(image for one in people for image in one.images)
    vectors, found = unit_vectors(1, len(files), 8), rng.random(len(files)) > 0.15
    vectors[~found] = 0
    embeddings = Embeddings(files=files, vectors=vectors, found=found)
    split = split_several(people, enrol=3, min_images=4)

    searches = search_several(embeddings, split)

    by_file = dict(zip(files, zip(vectors, found, strict=True), strict=True))

    def score(probe: Path, own: tuple[Path, ...], fused: bool) -> float:
        vector, seen = by_file[probe]
        enrolled = [by_file[image][0] for image in own if by_file[image][1]]
        if not seen or not enrolled:
            return NO_SCORE
        nearest = max(float(one @ vector) for one in enrolled)
        if not fused or len(enrolled) == 1:
            return nearest
        mean = np.sum(np.array(enrolled, np.float64), axis=0)
        return (nearest + float(mean @ vector / np.linalg.norm(mean))) / 2

    for kind, found_by in searches.items():
        fused = kind is PersonScore.FUSED
        every = [[score(probe, own, fused) for own in split.gallery] for probe in split.mated]
        own = [row[mate] for row, mate in zip(every, split.mates, strict=True)]
        others = [max(row[:mate] + row[mate + 1 :]) for row, mate in zip(every, split.mates, strict=True)]
        assert found_by.own == pytest.approx(own, abs=1e-5)
        assert found_by.other == pytest.approx(others, abs=1e-5)
        nonmated = [max(score(probe, own, fused) for own in split.gallery) for probe in split.nonmated]
        assert found_by.nonmated == pytest.approx(nonmated, abs=1e-5)
