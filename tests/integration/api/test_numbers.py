"""Numbers at the ends of what a computer writes: taken, or a 422 that names the field; never a 5xx."""

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import assert_problem
from tests.support.pictures import jpeg, pixels

DENORMAL, TINY, HUGE = "5e-324", "1e-308", "1.7976931348623157e308"
EVERY = [
    *(DENORMAL, f"-{DENORMAL}", TINY, HUGE, f"-{HUGE}", "-0.0", "0", "1e999", "-1e999", "NaN", "Infinity"),
    *("-Infinity", '"nan"', '"inf"', '"-inf"', '"1e-400"', "1" + "0" * 400, "0." + "0" * 400 + "1"),
    *("9223372036854775808", "18446744073709551616", "true", "null", '""', '"0x10"', '"1_0"', '"\u0661"'),
]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    return client


def bodies(image: bytes) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every numeric field of every body: method, path and field, with the other fields."""
    picture = {"image": base64.b64encode(image).decode()}
    pair = {"image_a": picture["image"], "image_b": picture["image"]}
    search = {"embedding": [1.0] * 128}
    return {
        ("POST", "/v1/galleries", "identify_fpir"): {"name": "other"},
        ("PATCH", "/v1/galleries/staff", "identify_fpir"): {},
        ("POST", "/v1/galleries", "min_match_face_px"): {"name": "other"},
        ("POST", "/v1/galleries", "min_match_sharpness"): {"name": "other"},
        ("PATCH", "/v1/galleries/staff", "min_match_face_px"): {},
        ("PATCH", "/v1/galleries/staff", "min_match_sharpness"): {},
        ("POST", "/v1/galleries", "max_match_miss_rate"): {"name": "other"},
        ("PATCH", "/v1/galleries/staff", "max_match_miss_rate"): {},
        ("POST", "/v1/galleries/staff/identify", "max_faces"): picture,
        ("POST", "/v1/galleries/staff/identify", "max_candidates"): picture,
        ("POST", "/v1/galleries/staff/identify", "threshold"): picture,
        ("POST", "/v1/galleries/staff/identify", "min_change_number"): picture,
        ("POST", "/v1/galleries/staff/search", "max_candidates"): search,
        ("POST", "/v1/galleries/staff/search", "threshold"): search,
        ("POST", "/v1/galleries/staff/search", "min_change_number"): search,
        ("POST", "/v1/verify", "threshold"): pair,
        ("POST", "/v1/detect", "max_faces"): picture,
    }


def test_every_numeric_field_takes_or_refuses_every_number(staff: TestClient, nobody: bytes) -> None:
    refused = 0
    small = jpeg(pixels(nobody)[:96, :96])  # hundreds of requests search it for faces
    for (method, path, field), others in bodies(small).items():
        for number in EVERY:
            body = json.dumps(others | {field: "HERE"}).replace('"HERE"', number)
            answer = staff.request(method, path, content=body, headers=JSON)
            if path == "/v1/galleries":
                staff.delete("/v1/galleries/other")
            if answer.status_code == 503:  # a change that has not arrived, which is no fault of the server's
                assert answer.json()["code"] == "index_behind"
            elif answer.status_code >= 400:
                refused += 1
                assert_problem(answer)
                if answer.json()["code"] == "invalid_request":
                    assert field in answer.json()["detail"], (path, field, number)
            else:
                json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} in an answer"))
    assert refused > 100


def test_every_component_of_an_embedding_takes_or_refuses_every_number(staff: TestClient) -> None:
    for number in EVERY:
        for others in ("0", "1", DENORMAL, HUGE):
            body = f'{{"embedding": [{number}{f", {others}" * 127}]}}'
            answer = staff.post("/v1/galleries/staff/search", content=body, headers=JSON)
            assert answer.status_code == 200 or "embedding" in assert_problem(answer, 422)["detail"]


def test_every_number_in_a_query_is_taken_or_refused(staff: TestClient) -> None:
    for number in EVERY:
        answer = staff.get("/v1/galleries/staff/identities", params={"limit": number.strip('"')})
        assert answer.status_code == 200 or "limit" in assert_problem(answer, 422)["detail"]


@pytest.mark.parametrize("fpir", [1e-9, 1 - 2**-53])
def test_the_least_and_the_greatest_rate_are_answered(staff: TestClient, fpir: float) -> None:
    """As measurements have it: vouched for, or a conflict that says what is."""
    answer = staff.patch("/v1/galleries/staff", json={"identify_fpir": fpir})

    assert answer.status_code == 200 or assert_problem(answer, 409, "policy_unsupported")
    assert staff.get("/v1/galleries/staff").status_code == 200
