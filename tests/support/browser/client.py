"""Puts in, by the API, what a page is to show."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from tests.support.asking import files


class ApiClient(httpx2.Client):
    """A program's requests to a server. An answer that is no success fails the test."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(base_url=address, timeout=60, event_hooks={"response": [_check_success]}, **options)

    def create_gallery(self, name: str) -> str:
        self.post("/v1/galleries", json={"name": name})
        return name

    def enrol(
        self,
        gallery: str,
        name: str | None,
        *images: bytes,
        external_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        several_faces: str = "reject",
    ) -> dict[str, Any]:
        """The new identity. Without images it has no face."""
        fields = {"name": name, "external_id": external_id, "metadata": json.dumps(metadata or {})}
        fields["several_faces"] = several_faces
        answer = self.post(
            f"/v1/galleries/{gallery}/identities",
            files=files("images", *images),
            data={field: value for field, value in fields.items() if value is not None},
        )
        return dict(answer.json())

    def identify(self, gallery: str, image: bytes) -> dict[str, Any]:
        return dict(self.post(f"/v1/galleries/{gallery}/identify", files=files("image", image)).json())

    def delete_galleries(self) -> None:
        while names := [gallery["name"] for gallery in self.get("/v1/galleries").json()["galleries"]]:
            for name in names:
                self.delete(f"/v1/galleries/{name}")


def _check_success(response: httpx2.Response) -> None:
    if response.is_error:
        response.read()
        raise AssertionError(f"{response.request.url}: {response.status_code} {response.text}")
