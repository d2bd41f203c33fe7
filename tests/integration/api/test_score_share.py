"""What share of strangers scores as high as the two pictures of a comparison."""

from fastapi.testclient import TestClient

from tests.support.asking import files


def test_strangers_score_as_high_as_many_and_one_person_higher_than_was_measured(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    strangers = client.post("/v1/verify", files=files("image_a", hopper) + files("image_b", collins)).json()
    assert not strangers["matched"]
    assert strangers["score_fmr"] > strangers["fmr"]
    assert strangers["score_fmr_trusted"]

    same = client.post("/v1/verify", files=files("image_a", hopper) + files("image_b", hopper)).json()
    assert same["matched"]
    assert 0 < same["score_fmr"] < same["fmr"]
    assert not same["score_fmr_trusted"], "no pair of strangers has the score 1"


def test_the_share_is_that_of_a_threshold_of_the_same_score(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    compared = client.post("/v1/verify", files=files("image_a", hopper) + files("image_b", collins)).json()
    again = client.post(
        "/v1/verify",
        data={"threshold": str(compared["score"])},
        files=files("image_a", hopper) + files("image_b", collins),
    ).json()
    assert again["estimated_fmr"] == again["score_fmr"] == compared["score_fmr"]
