"""Leave-one-out searches, against a plain loop."""

import numpy as np
import pytest

from indexer.evaluation.leave_one_out import rates as leave_one_out
from indexer.evaluation.leave_one_out.searches import NO_SCORE, Enrolled, LeaveOneOut, search
from indexer.types import PersonScore


def test_searches_equal_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    people = rng.integers(0, 12, 60).astype(np.int64)
    vectors = rng.standard_normal((60, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    present = rng.random(60) > 0.1

    found = search(vectors, present, people, np.arange(60))

    for probe in range(60):
        own = other = NO_SCORE
        for entry in range(60):
            if entry != probe and present[entry] and present[probe]:
                score = float(vectors[probe] @ vectors[entry])
                if people[entry] == people[probe]:
                    own = max(own, score)
                else:
                    other = max(other, score)
        assert np.isclose(found.own[probe], own, atol=1e-6)
        assert np.isclose(found.other[probe], other, atol=1e-6)
        assert found.mated[probe] == (np.sum(people == people[probe]) > 1)


def test_fused_searches_leave_the_probe_out_of_the_template_of_its_person() -> None:
    rng = np.random.default_rng(3)
    people = rng.integers(0, 15, 60).astype(np.int64)
    vectors = rng.standard_normal((60, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    present = rng.random(60) > 0.1

    found = search(vectors, present, people, np.arange(60), PersonScore.FUSED)

    for probe in np.flatnonzero(present):
        scores = {}
        for person in range(15):
            enrolled = np.flatnonzero((people == person) & present & (np.arange(60) != probe))
            if len(enrolled):
                score = float((vectors[enrolled] @ vectors[probe]).max())
                if len(enrolled) > 1:
                    mean = vectors[enrolled].astype(np.float64).sum(axis=0)
                    score = (score + float(mean @ vectors[probe] / np.linalg.norm(mean))) / 2
                scores[person] = score
        own = scores.pop(int(people[probe]), NO_SCORE)
        assert np.isclose(found.own[probe], own, atol=1e-5)
        assert np.isclose(found.other[probe], max(scores.values()), atol=1e-5)
        scores[int(people[probe])] = own
        best = max(scores, key=lambda person: scores[person])
        enrolled = np.flatnonzero((people == best) & present & (np.arange(60) != probe))
        assert found.nearest[probe] == enrolled[(vectors[enrolled] @ vectors[probe]).argmax()]
    assert (found.own[~present] == NO_SCORE).all()


@pytest.mark.parametrize("score", list(PersonScore))
def test_searches_of_a_gallery_in_parts_equal_those_of_the_whole(score: PersonScore) -> None:
    rng = np.random.default_rng(5)
    people = rng.integers(0, 40, 300).astype(np.int64)
    vectors = rng.standard_normal((300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    present = rng.random(300) > 0.1
    faces = Enrolled(keys=np.arange(300) * 7, people=people, vectors=vectors, present=present)
    probes = np.sort(rng.choice(300, 120, replace=False))
    whole = search(vectors, present, people, probes, score)

    in_parts = LeaveOneOut(faces.rows(probes), score)
    for part in (1, 2, 0, 3):
        in_parts.add(faces.rows(np.flatnonzero(people // 10 == part)))
    found = in_parts.result()

    assert np.allclose(found.own, whole.own, atol=1e-6)
    assert np.allclose(found.other, whole.other, atol=1e-6)
    assert (found.mated == whole.mated).all()
    assert (found.nearest == np.where(whole.nearest < 0, -1, whole.nearest * 7)).all()


@pytest.mark.parametrize("score", list(PersonScore))
def test_the_faces_of_a_person_whose_probe_was_deleted_meanwhile_are_no_other_persons(
    score: PersonScore,
) -> None:
    """The search is that of a picture of the person that is not enrolled."""
    rng = np.random.default_rng(7)
    people = np.repeat(np.arange(20), 4)
    vectors = rng.standard_normal((80, 8)).astype(np.float32) + 3 * rng.standard_normal((20, 8))[people]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    faces = Enrolled(keys=np.arange(80), people=people, vectors=vectors, present=np.ones(80, np.bool_))
    probes = np.arange(0, 80, 2)
    before = search(vectors, faces.present, people, probes, score)
    deleted = np.array([0, 42])  # of people 0 and 10; of person 19 all are deleted
    gone = np.concatenate([deleted, np.flatnonzero(people == 19)])
    left = np.setdiff1d(np.arange(80), gone)

    searches = LeaveOneOut(faces.rows(probes), score)
    for part in range(4):
        searches.add(faces.rows(left[people[left] // 5 == part]))
    found = searches.result()

    same = np.isin(probes, deleted) | ~np.isin(people[probes], [0, 10, 19])
    assert np.allclose(found.own[same], before.own[same], atol=1e-6)
    assert (found.own[people[probes] == 19] == NO_SCORE).all()
    assert (found.mated == (people[probes] < 19)).all()
    for place in np.flatnonzero(np.isin(probes, deleted)):
        others = left[people[left] != people[probes[place]]]
        alone = LeaveOneOut(faces.rows(probes[[place]]), score)
        alone.add(faces.rows(others))
        assert np.isclose(found.other[place], alone.result().other[0], atol=1e-6)


def test_the_curve_goes_through_the_points_of_the_table() -> None:
    rng = np.random.default_rng(1)
    people = rng.integers(0, 40, 200).astype(np.int64)
    vectors = rng.standard_normal((200, 8)).astype(np.float32) + rng.standard_normal((40, 8))[people]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    searches = search(vectors, np.ones(200, bool), people, np.arange(200))

    table = leave_one_out.rates(searches, (0.01, 0.1))["at_fpir"]
    curve = leave_one_out.det(searches, np.array([0.001, 0.01, 0.1, 1.0]))

    assert [fpir for fpir, _ in curve] == [0.01, 0.1, 0.995], "200 searches cannot show one in a thousand"
    assert np.isclose(curve[0][1], table["0.01"]["fnir"])
    assert np.isclose(curve[1][1], table["0.1"]["fnir"])
    assert 0 < curve[2][1] < curve[1][1] < curve[0][1]


def test_a_face_that_the_model_could_not_embed_counts_as_a_miss() -> None:
    vectors = np.eye(4, dtype=np.float32)
    vectors[1], vectors[3] = vectors[0], vectors[2]
    people = np.array([0, 0, 1, 1])

    whole = leave_one_out.rates(search(vectors, np.ones(4, bool), people, np.arange(4)), (0.1,))
    holed = leave_one_out.rates(
        search(vectors, np.array([True, True, True, False]), people, np.arange(4)), (0.1,)
    )

    assert whole["rank1"] == 1.0
    assert holed["rank1"] == 0.5, "the lost one is not found, and finds nobody"


def test_without_people_with_two_faces_there_are_no_rates() -> None:
    searches = search(np.eye(3, dtype=np.float32), np.ones(3, bool), np.arange(3), np.arange(3))

    assert leave_one_out.rates(searches, (0.01,))["rank1"] is None


@pytest.mark.parametrize("people", [2, 6, 50])
def test_the_interval_of_a_rate_without_errors_depends_on_the_number_of_people(people: int) -> None:
    """Resampling says 1 to 1 however few they are; of six people without a miss 39 % may still be missed."""
    vectors = np.repeat(np.eye(people, dtype=np.float32), 2, axis=0)
    whose = np.repeat(np.arange(people), 2)
    searches = search(vectors, np.ones(len(whose), bool), whose, np.arange(len(whose)))

    rates = leave_one_out.rates(searches, (0.1,))

    unseen = 1 - 0.05 ** (1 / people)
    assert rates["mated_people"] == people
    assert rates["rank1"] == 1
    assert rates["rank1_interval"] == pytest.approx([1 - unseen, 1])
    assert rates["at_fpir"]["0.1"]["fnir"] == 0
    assert rates["at_fpir"]["0.1"]["interval"] == pytest.approx([0, unseen])
