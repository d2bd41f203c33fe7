"""Who one is where no key is required."""

from fastapi.testclient import TestClient

from tests.support.asking import assert_problem


def test_where_no_key_is_required_nobody_signs_in(client: TestClient) -> None:
    shown = client.get("/v1/session").raise_for_status().json()

    assert (shown["signed_in_by"], shown["sign_in_required"]) == ("nothing", False)
    assert "keys" in shown["permissions"]
    assert (shown["galleries"], shown["csrf_token"], shown["expires_at"]) == (None, None, None)
    assert shown["version"]
    assert_problem(client.post("/v1/session", headers={"X-API-Key": "any key"}), 422, "invalid_request")
    assert_problem(client.delete("/v1/session"), 422, "invalid_request")
