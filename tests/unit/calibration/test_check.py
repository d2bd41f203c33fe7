"""The running check warns of more false alarms than promised, and not by chance."""

from uuid import UUID

import numpy as np
import pytest

from indexer.calibration.active import ActiveCalibration, of_card
from indexer.calibration.check.tally import LEVEL, ScoredPerson, SearchTally
from indexer.calibration.check.verdict import FpirCheck, judge
from indexer.calibration.threshold.decision import Decision, decide
from indexer.embedding.catalog import sface
from indexer.records.search_counts import GROUPS, SearchCounts
from indexer.records.tables import Gallery

CARD = sface(mirror=True)
CALIBRATION: ActiveCalibration = of_card(CARD)
PEOPLE = 1000
POLICY = 0.01
DRAWS = 200


@pytest.fixture
def gallery() -> Gallery:
    found = Gallery(name="staff", model_id=1)
    found.id = UUID(int=7)
    return found


def searched(
    rng: np.random.Generator, *, matched: int, unmatched: int, times: float = 1.0, people: int = PEOPLE
) -> FpirCheck:
    """`times`: how much more often than promised other people reach LEVEL's score; `people`: who are seen."""
    limit = 1.2 * LEVEL
    counts = SearchCounts(searches=matched + unmatched, matched=matched, expected_false_alarms=0.0)
    second_reaches = rng.random(people) < times * LEVEL  # each time that this person is seen
    seen = rng.integers(0, people, matched)
    np.add.at(counts.matched_searches, seen % GROUPS, 1)
    np.add.at(counts.matched_reached, seen % GROUPS, second_reaches[seen])
    strangers = rng.integers(0, GROUPS, unmatched)
    np.add.at(counts.unmatched_searches, strangers, 1)
    np.add.at(counts.unmatched_reached, strangers, rng.random(unmatched) < times * LEVEL)
    counts.matched_limit, counts.unmatched_limit = limit * matched, limit * unmatched
    return judge(counts)


@pytest.mark.parametrize(("matched", "unmatched"), [(3000, 500), (300, 3000), (3000, 3000)])
def test_where_the_promise_is_kept_at_most_one_draw_in_a_hundred_is_warned_of(
    matched: int, unmatched: int
) -> None:
    rng = np.random.default_rng(0)

    verdicts = [searched(rng, matched=matched, unmatched=unmatched).verdict for _ in range(DRAWS)]

    assert verdicts.count("exceeded") <= DRAWS / 100
    assert verdicts.count("kept") >= DRAWS * 0.99


@pytest.mark.parametrize(("matched", "unmatched"), [(3000, 0), (0, 3000)])
def test_three_times_the_promise_is_found_in_nearly_all_draws(matched: int, unmatched: int) -> None:
    rng = np.random.default_rng(0)

    found = [searched(rng, matched=matched, unmatched=unmatched, times=3) for _ in range(DRAWS)]

    assert sum(check.verdict == "exceeded" for check in found) >= DRAWS * 0.95
    assert all(check.warning for check in found if check.verdict == "exceeded")


def test_a_few_people_who_are_seen_all_day_do_not_look_like_a_broken_promise() -> None:
    """Of twelve people three may well have somebody who resembles them: a quarter of all searches."""
    rng = np.random.default_rng(0)

    verdicts = [searched(rng, matched=5000, unmatched=0, people=12).verdict for _ in range(DRAWS)]

    assert set(verdicts) == {"too_few"}


def test_a_hundred_people_who_are_seen_all_day_cause_no_warning_either() -> None:
    rng = np.random.default_rng(0)

    verdicts = [searched(rng, matched=50_000, unmatched=0, people=100).verdict for _ in range(DRAWS)]

    assert verdicts.count("exceeded") <= DRAWS / 100


def test_enrolled_people_who_are_missed_are_no_false_alarms() -> None:
    """They score just below the threshold, often: half as many as are matched are allowed for."""
    counts = SearchCounts(searches=1500, matched=1000, unmatched_limit=60.0, matched_limit=120.0)
    counts.unmatched_searches[:] = 500 // GROUPS
    counts.unmatched_reached[:] = 400 // GROUPS

    assert judge(counts).among_unmatched.verdict == "too_few"


def test_strangers_who_match_by_mistake_do_not_count_as_people_with_a_double() -> None:
    """Where nobody but strangers comes, all matches are mistakes; such faces resemble many people."""
    counts = SearchCounts(searches=50_000, matched=500, expected_false_alarms=500.0, matched_limit=60.0)
    counts.matched_searches[:] = 500 // GROUPS
    counts.matched_reached[:] = 150 // GROUPS

    assert judge(counts).among_matched.verdict == "kept"


def scores_at(*fpirs: float) -> list[ScoredPerson]:
    return [
        ScoredPerson(UUID(int=1000 + place), CALIBRATION.curve.threshold(fpir, PEOPLE))
        for place, fpir in enumerate(fpirs)
    ]


def policy(fpir: float = POLICY) -> Decision:
    return decide(CALIBRATION, fpir, PEOPLE)


def test_the_second_person_of_a_match_and_the_first_of_no_match_are_counted(gallery: Gallery) -> None:
    tally = SearchTally()
    for people in (
        scores_at(1e-9, 0.05),  # matched; the second person reaches LEVEL's score
        scores_at(1e-9, 0.5),  # matched; the second does not
        scores_at(1e-9),  # matched; there is no second
        scores_at(0.05, 0.5),  # not matched; the first reaches LEVEL's score
        scores_at(0.5, 0.9),  # not matched
    ):
        tally.add(gallery, CARD, policy(), PEOPLE, people)

    [counts] = tally.take().values()

    assert (counts.searches, counts.matched) == (5, 3)
    assert counts.expected_false_alarms == pytest.approx(5 * POLICY)
    assert (counts.matched_searches.sum(), counts.matched_reached.sum()) == (3, 1)
    assert (counts.unmatched_searches.sum(), counts.unmatched_reached.sum()) == (2, 1)
    assert counts.matched_limit / 3 == pytest.approx(counts.unmatched_limit / 2)
    assert counts.unmatched_limit / 2 > LEVEL
    assert tally.take() == {}, "counts are taken once"


def test_a_second_person_who_scores_like_the_same_person_is_a_duplicate(gallery: Gallery) -> None:
    tally = SearchTally()
    alike = [ScoredPerson(UUID(int=1), 0.8), ScoredPerson(UUID(int=2), 0.75)]
    tally.add(gallery, CARD, policy(), PEOPLE, alike)

    [counts] = tally.take().values()

    assert (counts.matched, counts.duplicates, counts.matched_searches.sum()) == (1, 1, 0)


def test_searches_that_find_one_person_are_in_one_group(gallery: Gallery) -> None:
    tally = SearchTally()
    for _ in range(5):
        tally.add(gallery, CARD, policy(), PEOPLE, scores_at(1e-9, 0.05))

    [counts] = tally.take().values()

    assert sorted(counts.matched_searches)[-2:] == [0, 5]
    assert judge(counts).verdict == "too_few"


def test_a_policy_near_the_checked_level_is_not_counted(gallery: Gallery) -> None:
    tally = SearchTally()
    tally.add(gallery, CARD, policy(0.2), PEOPLE, scores_at(0.1, 0.5))

    assert tally.take() == {}


def test_counts_that_could_not_be_stored_are_added_to_the_next(gallery: Gallery) -> None:
    tally = SearchTally()
    tally.add(gallery, CARD, policy(), PEOPLE, scores_at(1e-9, 0.05))
    taken = tally.take()
    tally.add(gallery, CARD, policy(), PEOPLE, scores_at(0.5, 0.9))
    tally.give_back(taken)

    [counts] = tally.take().values()

    assert (counts.searches, counts.matched) == (2, 1)
