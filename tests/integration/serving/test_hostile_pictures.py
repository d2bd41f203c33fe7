"""Expensive pictures over HTTP are rejected, and other requests do not wait for them."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.decoder_processes import decoder_processes, eventually, slow_picture
from tests.support.hostile.costly_pictures import COSTLY

BOX = ("x", "y", "width", "height")


@pytest.fixture
def stopped(client: TestClient) -> Iterator[ThreadPoolExecutor]:
    """Expensive pictures in all decoder processes, without progress until the test ends, and more of them in
    the queue than there are threads."""
    before = set(decoder_processes())
    with ThreadPoolExecutor(20) as pool:
        costly = [pool.submit(client.post, "/v1/detect", files={"image": slow_picture()}) for _ in range(2)]
        assert eventually(lambda: len(set(decoder_processes()) - before) == 2)
        processes = set(decoder_processes()) - before
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        more = [pool.submit(client.post, "/v1/detect", files={"image": slow_picture()}) for _ in range(12)]
        assert eventually(lambda: sum(answer.done() for answer in more) >= 8)  # by 503: see below
        try:
            yield pool
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        assert {answer.result().status_code for answer in [*costly, *more]} <= {200, 503}


def test_while_hostile_pictures_are_decoded_an_ordinary_one_is_answered(
    client: TestClient, stopped: ThreadPoolExecutor, hopper: bytes
) -> None:
    answer = client.post("/v1/detect", files={"image": hopper})

    assert answer.status_code == 200
    assert answer.json()["faces_found"] == 1


@pytest.fixture
def settings(migrated: str, tmp_path: os.PathLike[str]) -> Settings:
    return Settings(home=tmp_path, database_url=migrated, max_upload_mb=12, threads=8, decoding_patience_s=2)


def test_a_request_that_waits_too_long_for_a_process_gets_503(
    client: TestClient, stopped: ThreadPoolExecutor
) -> None:
    answer = client.post("/v1/detect", files={"image": slow_picture()})

    assert answer.status_code == 503
    assert answer.json()["code"] == "busy"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("kind", COSTLY)
def test_an_expensive_picture_is_rejected_or_decoded(client: TestClient, kind: str) -> None:
    answer = client.post("/v1/detect", files={"image": COSTLY[kind]()})

    assert answer.status_code in {200, 413, 422}, answer.text
    assert answer.status_code == 200 or answer.json()["code"].startswith(("image_", "unreadable_"))


@pytest.fixture
def small_limit(database: Database, settings: Settings) -> Iterator[TestClient]:
    """With a limit of 100,000 decoded pixels."""
    limited = settings.model_copy(update={"max_image_megapixels": 0.1})
    with TestClient(create_app(limited), raise_server_exceptions=False) as client:
        yield client


def test_boxes_of_a_large_jpeg_are_in_the_pixels_of_the_file(
    client: TestClient, small_limit: TestClient, hopper: bytes
) -> None:
    """Hopper has 512 x 600 pixels: 307,200."""
    whole = client.post("/v1/detect", files={"image": hopper}).json()
    halved = small_limit.post("/v1/detect", files={"image": hopper}).json()

    assert (halved["width_px"], halved["height_px"]) == (512, 600)
    [expected], [face] = whole["faces"], halved["faces"]
    assert [face["box"][side] for side in BOX] == pytest.approx([expected["box"][s] for s in BOX], abs=15)
    for mark, point in expected["landmarks"].items():
        assert face["landmarks"][mark] == pytest.approx(point, abs=12), mark


def test_a_person_enrolled_from_a_large_jpeg_is_found(
    small_limit: TestClient, client: TestClient, hopper: bytes
) -> None:
    """The stored crop comes from the decoded pixels; the box is in the pixels of the file."""
    small_limit.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    enrolled = small_limit.post(
        "/v1/galleries/staff/identities", files={"images": hopper}, data={"name": "Hopper"}
    ).json()
    [face] = enrolled["faces"]
    found = client.post("/v1/galleries/staff/identify", files={"image": hopper}).json()["faces"][0]

    assert found["candidates"][0]["identity"]["name"] == "Hopper"
    assert found["candidates"][0]["score"] > 0.9
    assert [face["box"][side] for side in BOX] == pytest.approx([found["box"][s] for s in BOX], abs=15)
    crop = client.get(f"/v1/galleries/staff/identities/{enrolled['id']}/faces/{face['id']}/crop")
    seen = client.post("/v1/detect", files={"image": crop.content}).json()
    assert seen["faces_found"] == 1


def test_a_picture_above_the_limit_names_the_setting(client: TestClient, small_limit: TestClient) -> None:
    answer = small_limit.post("/v1/detect", files={"image": COSTLY["PNG of 1 x 49,000,000"]()})

    assert answer.status_code == 413
    assert "GEMEL_MAX_IMAGE_MEGAPIXELS" in answer.json()["detail"]
