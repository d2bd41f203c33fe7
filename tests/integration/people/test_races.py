"""Several people change the same identities at one moment: one succeeds, the others get a clear answer."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from httpx2 import Response

from tests.integration.people.conftest import GALLERY, PATH, People
from tests.integration.people.test_reviews import add

ROUNDS = 6


def at_once(*requests: Callable[[], Response]) -> list[Response]:
    begin = threading.Barrier(len(requests))

    def send(request: Callable[[], Response]) -> Response:
        begin.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def codes(answers: list[Response]) -> Counter[str]:
    return Counter(
        "done" if answer.status_code < 400 else f"{answer.status_code} {answer.json()['code']}"
        for answer in answers
    )


def test_of_two_opposite_merges_one_is_made_and_the_other_gets_a_conflict(people: People) -> None:
    for number in range(1, 2 * ROUNDS, 2):
        one, other = people.enrol(number), people.enrol(number + 1)

        answers = at_once(
            lambda one=one, other=other: people.post(f"identities/{one}/merge", {"other": str(other)}),  # type: ignore[misc]
            lambda one=one, other=other: people.post(f"identities/{other}/merge", {"other": str(one)}),  # type: ignore[misc]
        )

        assert codes(answers) == {"done": 1, "409 identity_merged": 1}
        [left] = {people.who(number), people.who(number + 1)}
        assert left in (str(one), str(other))
        assert people.get(left)["faces_total"] == 2


def test_of_two_reviewers_one_decides(people: People) -> None:
    for number in range(1, 2 * ROUNDS, 2):
        one, other = people.enrol(number), people.enrol(number + 1)
        review = add(people, other, one)

        answers = at_once(
            lambda review=review: people.post(f"reviews/{review}/same"),  # type: ignore[misc]
            lambda review=review: people.post(f"reviews/{review}/different"),  # type: ignore[misc]
        )

        assert codes(answers) == {"done": 1, "409 review_decided": 1}
        state = people.client.get(f"{PATH}/reviews/{review}").json()["state"]
        assert (people.who(number) == people.who(number + 1)) == (state == "same")


def test_a_merge_and_a_deletion_of_one_of_the_two_leave_nothing_half_done(people: People) -> None:
    for number in range(1, 2 * ROUNDS, 2):
        one, other = people.enrol(number), people.enrol(number + 1)

        merged, deleted = at_once(
            lambda one=one, other=other: people.post(f"identities/{one}/merge", {"other": str(other)}),  # type: ignore[misc]
            lambda other=other: people.client.delete(f"{PATH}/identities/{other}"),  # type: ignore[misc]
        )

        if merged.is_success:
            assert codes([deleted]) == {"409 identity_merged": 1}
            assert people.get(one)["faces_total"] == 2
        else:
            assert codes([merged]) == {"404 identity_not_found": 1}
            assert deleted.status_code == 204
            assert people.get(one)["faces_total"] == 1


def test_an_enrolment_to_an_identity_that_is_merged_meanwhile_is_rejected_or_merged_too(
    people: People, hopper: bytes
) -> None:
    for number in range(1, 7, 2):
        one, other = people.enrol(number), people.enrol(number + 1)

        def enrol(other: UUID = other) -> Response:
            answer: Response = people.client.post(
                f"{PATH}/identities/{other}/faces", files=[("images", ("0.jpg", hopper, "image/jpeg"))]
            )
            return answer

        merged, enrolled = at_once(
            lambda one=one, other=other: people.post(f"identities/{one}/merge", {"other": str(other)}),  # type: ignore[misc]
            enrol,
        )

        assert merged.is_success
        if not enrolled.is_success:
            assert codes([enrolled]) == {"409 identity_merged": 1}
        assert people.get(one)["faces_total"] == 2 + enrolled.is_success


def test_one_change_is_undone_once_by_several_at_one_moment(people: People) -> None:
    one, other = people.enrol(1), people.enrol(2)
    change = people.merge(one, other)

    answers = at_once(*(lambda: people.post(f"people-changes/{change['id']}/undo") for _ in range(4)))

    assert codes(answers) == {"done": 1, "409 people_change_undone": 3}
    assert (people.who(1), people.who(2)) == (str(one), str(other))
    assert people.client.get(f"/v1/galleries/{GALLERY}").json()["faces"] == 2
