"""Asks the service, and says what every refusal must look like."""

from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

JSON = {"content-type": "application/json"}
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


def files(field: str, *images: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    """Multipart files as a browser sends them."""
    return [(field, (f"{number}.jpg", image, "image/jpeg")) for number, image in enumerate(images)]


def try_to_enrol(api: TestClient, gallery: str, *images: bytes, **fields: Any) -> Response:
    answer: Response = api.post(
        f"/v1/galleries/{gallery}/identities", files=files("images", *images), data=fields
    )
    return answer


def enrol(api: TestClient, gallery: str, *images: bytes, **fields: Any) -> dict[str, Any]:
    answer = try_to_enrol(api, gallery, *images, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def try_to_identify(api: TestClient, gallery: str, image: bytes, **fields: Any) -> Response:
    answer: Response = api.post(f"/v1/galleries/{gallery}/identify", files=files("image", image), data=fields)
    return answer


def identify(api: TestClient, gallery: str, image: bytes, **fields: Any) -> dict[str, Any]:
    answer = try_to_identify(api, gallery, image, **fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def matched_names(face: dict[str, Any]) -> list[str]:
    return [c["identity"]["name"] for c in face["candidates"] if c["matched"]]


def counts(api: TestClient, gallery: str) -> tuple[int, int, int]:
    """Identities, faces and changes of a gallery: what a refused request must leave as it was."""
    answer = api.get(f"/v1/galleries/{gallery}").json()
    return answer["identities"], answer["faces"], answer["change_number"]


def assert_problem(answer: Response, status: int | None = None, code: str | None = None) -> dict[str, Any]:
    """A refusal as RFC 9457 wants it, never the server's own fault; with this status and code."""
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert {"type", "title", "status", "code", "detail"} <= problem.keys()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    assert problem["code"]
    if status is not None:
        assert answer.status_code == status, answer.text
    if code is not None:
        assert problem["code"] == code
    return problem
