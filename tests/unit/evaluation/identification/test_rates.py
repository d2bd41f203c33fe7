from pathlib import Path

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.identification import rates as identification
from indexer.evaluation.identification.rates import Searches, det, measure, point_at
from indexer.evaluation.lfw import Person
from indexer.evaluation.open_set import OpenSet, roles, split, split_labels
from indexer.pipeline.embed_files import NO_SCORE, Embeddings


def person(name: str, images: int) -> Person:
    return Person(name=name, images=tuple(Path(f"{name}_{number}") for number in range(images)))


def random_people(seed: int) -> tuple[list[Person], Embeddings]:
    """40 people of 2 to 5 images, 300 of one; faces of one person are near each other, and some
    are not found."""
    random = np.random.default_rng(seed)
    people = [person(f"p{n}", int(random.integers(2, 6))) for n in range(40)]
    people += [person(f"q{n}", 1) for n in range(300)]
    files, rows = [], []
    for someone in people:
        centre = random.normal(size=8)
        for file in someone.images:
            files.append(file)
            rows.append(centre + random.normal(size=8) * 0.7)
    vectors = np.array(rows, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = random.random(len(files)) > 0.05
    vectors[~found] = 0
    return people, Embeddings(files=tuple(files), vectors=vectors, found=found)


def search(embeddings: Embeddings, open_set: OpenSet) -> Searches:
    return identification.search(embeddings.vectors, embeddings.found, roles(embeddings, open_set))


def score_by_loop(embeddings: Embeddings, first: Path, second: Path) -> float:
    one, other = embeddings.files.index(first), embeddings.files.index(second)
    if not (embeddings.found[one] and embeddings.found[other]):
        return NO_SCORE
    return float(sum(a * b for a, b in zip(embeddings.vectors[one], embeddings.vectors[other], strict=True)))


def measured(searches: Searches) -> identification.IdentificationResult:
    return measure(searches, gallery=1, undetected=0, seconds=0, model="m")


def known(*, hits: list[float], strangers: list[float]) -> Searches:
    return Searches(
        own=np.array(hits, np.float32),
        other=np.full(len(hits), NO_SCORE, np.float32),
        nonmated=np.array(strangers, np.float32),
        ranks=np.ones(len(hits), np.int64),
        mates=np.arange(len(hits)),
        strangers=np.arange(len(strangers)),
    )


def test_people_with_several_images_are_enrolled_with_the_first_and_probed_with_the_others() -> None:
    open_set = split([person("a", 3), person("b", 1), person("c", 2)])

    assert open_set == OpenSet(
        gallery=(Path("a_0"), Path("c_0")),
        mated=(Path("a_1"), Path("a_2"), Path("c_1")),
        mates=(0, 0, 1),
        nonmated=(Path("b_0"),),
    )


def test_a_set_without_enrolled_people_or_without_strangers_is_rejected() -> None:
    for people in ([], [person("a", 2)], [person("b", 1)]):
        with pytest.raises(InvalidRequest, match="open set"):
            split(people)


@pytest.mark.parametrize("block", [1, 7, 1024])
def test_searches_and_rates_equal_those_of_plain_loops(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(identification, "_BLOCK", block)
    people, embeddings = random_people(1)
    open_set = split(people)

    searches = search(embeddings, open_set)

    own_and_best = []
    for probe, mate in zip(open_set.mated, open_set.mates, strict=True):
        scores = [score_by_loop(embeddings, probe, enrolled) for enrolled in open_set.gallery]
        others = [score for place, score in enumerate(scores) if place != mate]
        own_and_best.append((scores[mate] > max(others), max(scores)))
    strangers = [
        max(score_by_loop(embeddings, probe, enrolled) for enrolled in open_set.gallery)
        for probe in open_set.nonmated
    ]
    assert searches.correct.tolist() == [correct for correct, _ in own_and_best]
    assert searches.mated == pytest.approx([best for _, best in own_and_best], abs=1e-6)
    assert searches.nonmated == pytest.approx(strangers, abs=1e-6)

    result = measure(searches, gallery=40, undetected=embeddings.undetected, seconds=2.5, model="m")
    assert result.rank1 == sum(correct for correct, _ in own_and_best) / len(own_and_best)
    for fpir in (0.001, 0.01, 0.1):
        strangers = searches.nonmated.tolist()
        threshold = min(t for t in strangers if sum(s > t for s in strangers) / len(strangers) <= fpir)
        hits = zip(searches.correct.tolist(), searches.mated.tolist(), strict=True)
        missed = sum(not (correct and score > threshold) for correct, score in hits)
        assert result.threshold_at_fpir[str(fpir)] == threshold
        assert result.fnir_at_fpir[str(fpir)] == pytest.approx(missed / len(open_set.mated))
    assert (result.gallery, result.mated, result.nonmated) == (40, len(open_set.mated), 300)
    assert (result.undetected, result.seconds, result.model) == (embeddings.undetected, 2.5, "m")
    assert 0 < result.rank1 < 1
    assert embeddings.undetected > 0


def test_an_undetected_face_counts_as_a_miss_but_never_as_a_false_alarm() -> None:
    people = [person("a", 3), person("b", 2), person("c", 1), person("d", 1)]
    files = tuple(file for someone in people for file in someone.images)
    vectors = np.tile(np.array([1, 0], np.float32), (len(files), 1))
    unseen = {Path("a_1"), Path("b_0"), Path("c_0")}
    found = np.array([file not in unseen for file in files])
    vectors[~found] = 0

    searches = search(Embeddings(files=files, vectors=vectors, found=found), split(people))

    # a_1 has no face; a_2 finds a, since b is enrolled without one; b_1 takes a for itself.
    assert searches.correct.tolist() == [False, True, False]
    assert searches.mated.tolist() == [NO_SCORE, 1, 1]
    assert searches.nonmated.tolist() == [NO_SCORE, 1]
    assert measured(searches).rank1 == pytest.approx(1 / 3)


def test_nobody_is_found_without_an_enrolled_face() -> None:
    people = [person("a", 2), person("c", 1)]
    vectors = np.array([[0, 0], [1, 0], [1, 0]], np.float32)
    embeddings = Embeddings(
        files=tuple(file for someone in people for file in someone.images),
        vectors=vectors,
        found=np.array([False, True, True]),
    )
    result = measured(search(embeddings, split(people)))

    assert result.rank1 == 0
    assert result.fnir_at_fpir == {"0.001": 1, "0.01": 1, "0.1": 1}


def test_a_tie_with_another_person_is_an_error() -> None:
    people = [person("a", 2), person("b", 2), person("c", 1)]
    files = tuple(file for someone in people for file in someone.images)
    same = np.tile(np.array([1, 0], np.float32), (len(files), 1))
    embeddings = Embeddings(files=files, vectors=same, found=np.ones(len(files), np.bool_))

    assert not search(embeddings, split(people)).correct.any()


def test_no_more_strangers_exceed_the_threshold_than_allowed() -> None:
    strangers = [number / 1000 for number in range(1000)]
    result = measured(known(hits=[0.9985, 0.995, 0.95, 0.5], strangers=strangers))

    # One, ten and a hundred of the thousand lie strictly above.
    assert result.threshold_at_fpir == pytest.approx({"0.001": 0.998, "0.01": 0.989, "0.1": 0.899})
    assert result.fnir_at_fpir == {"0.001": 0.75, "0.01": 0.5, "0.1": 0.25}


def test_strangers_with_equal_scores_pass_together_or_not_at_all() -> None:
    curve = det(known(hits=[0.9, 0.7, 0.6], strangers=[0.8, 0.7, 0.7, 0.7, 0.1]))

    assert curve.fpir == pytest.approx([0, 0.2, 0.2, 0.2, 0.8])
    assert curve.fnir == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2 / 3, 0])
    assert curve.thresholds[point_at(curve, 0.5)] == pytest.approx(0.7)


def test_a_mated_probe_at_the_threshold_is_missed() -> None:
    result = measured(known(hits=[0.5], strangers=[0.5]))

    assert (result.rank1, result.fnir_at_fpir["0.1"]) == (1, 1)


def test_with_few_strangers_a_small_rate_allows_none_of_them() -> None:
    result = measured(known(hits=[0.9, 0.4], strangers=[0.5] + [0.1] * 9))

    assert result.fnir_at_fpir == {"0.001": 0.5, "0.01": 0.5, "0.1": 0}


def test_rows_with_labels_are_split_as_files_of_people_are() -> None:
    split_up = split_labels(np.array([5, 2, 5, 9, 2, 5]))

    # 2 and 5 have several; 2 comes first in the gallery.
    assert split_up.gallery.tolist() == [1, 0]
    assert split_up.mated.tolist() == [2, 4, 5]
    assert split_up.mates.tolist() == [1, 0, 1]
    assert split_up.nonmated.tolist() == [3]
    with pytest.raises(InvalidRequest, match="open set"):
        split_labels(np.array([1, 1, 2, 2]))


def test_arrays_with_labels_are_searched_as_files_are() -> None:
    people, embeddings = random_people(2)
    labels = np.array([n for n, someone in enumerate(people) for _ in someone.images])

    by_files = search(embeddings, split(people))
    by_rows = identification.search(embeddings.vectors, embeddings.found, split_labels(labels))

    assert measured(by_files).fnir_at_fpir == measured(by_rows).fnir_at_fpir
    assert by_files.correct.tolist() == by_rows.correct.tolist()


def test_ranks_count_from_the_best_and_probes_without_a_face_have_none() -> None:
    """Enrolled at 0, 30, 60 and 90 degrees; probes of the second."""
    degrees = {"a_0": 0, "b_0": 30, "c_0": 60, "d_0": 90, "b_1": 32, "b_2": 50, "b_3": 88, "b_4": 0}
    degrees |= {"a_1": 0, "c_1": 60, "d_1": 90, "x_0": 10}
    people = [person("a", 2), person("b", 5), person("c", 2), person("d", 2), person("x", 1)]
    files = tuple(Path(name) for name in degrees)
    angles = np.radians(list(degrees.values()))
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    found = np.array([name != "b_4" for name in degrees])
    vectors[~found] = 0

    searches = search(Embeddings(files=files, vectors=vectors, found=found), split(people))
    of_b = searches.mates == 1

    assert searches.ranks[of_b][:3].tolist() == [1, 2, 3]
    curve = identification.cmc(searches, most=4)
    # Seven mated probes: a, c, d and b_1 first, b_2 second, b_3 third, b_4 never.
    assert curve == pytest.approx([4 / 7, 5 / 7, 6 / 7, 6 / 7])
    assert curve[0] == measured(searches).rank1


def test_intervals_contain_their_rates_and_are_the_same_each_time() -> None:
    people, embeddings = random_people(3)
    searches = search(embeddings, split(people))

    one, other = measured(searches), measured(searches)

    assert one == other
    assert one.rank1_interval is not None
    assert one.rank1_interval[0] < one.rank1 < one.rank1_interval[1]
    bounds = one.fnir_interval["0.1"]
    assert bounds is not None
    assert bounds[0] < one.fnir_at_fpir["0.1"] < bounds[1]
    without = measure(searches, gallery=1, undetected=0, seconds=0, model="m", resamples=0)
    assert without.rank1_interval is None
