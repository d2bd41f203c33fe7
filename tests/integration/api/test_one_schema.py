"""The command line and the HTTP API give the same answers, field by field."""

from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from tests.support.home import Home
from tests.support.pictures import jpeg, pixels


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    large, small = pixels(hopper), pixels(collins)[::2, ::2]
    both = np.full((large.shape[0], large.shape[1] + small.shape[1], 3), 128, np.uint8)
    both[:, : large.shape[1]] = large
    both[: small.shape[0], large.shape[1] :] = small
    paths = {}
    for name, data in (("hopper", hopper), ("both", jpeg(both))):
        paths[name] = folder / f"{name}.jpg"
        paths[name].write_bytes(data)
    return paths


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes) -> Home:
    folder = tmp_path_factory.mktemp("home")
    for name, image in (("Grace", hopper), ("Eileen", collins)):
        (folder / "people" / name).mkdir(parents=True)
        (folder / "people" / name / "1.jpg").write_bytes(image)
    home = Home(folder)
    home.run("migrate")
    home.run("enrol", folder / "people", "-g", "staff")
    return home


def test_the_command_line_prints_what_the_api_answers(home: Home, pictures: dict[str, Path]) -> None:
    hopper, both = pictures["hopper"], pictures["both"]
    options = {"max_faces": 5, "max_candidates": 2}
    [identified] = home.json("identify", both, "-g", "staff", "--max-faces", "5", "--max-candidates", "2")
    verified = home.json("verify", hopper, both, "--several-faces", "largest")
    with home.server() as (base, _), httpx2.Client(base_url=base, timeout=60) as client:
        identify = client.post(
            "/v1/galleries/staff/identify", files={"image": both.read_bytes()}, data=options
        ).json()
        verify = client.post(
            "/v1/verify",
            files={"image_a": hopper.read_bytes(), "image_b": both.read_bytes()},
            data={"several_faces": "largest"},
        ).json()

    assert len(identify["faces"]) == 2
    assert [len(face["candidates"]) for face in identify["faces"]] == [2, 2]
    assert identified.pop("image") == str(both)
    assert (verified.pop("image_a"), verified.pop("image_b")) == (str(hopper), str(both))
    for printed, answered in ((identified, identify), (verified, verify)):
        timings, same = printed.pop("timings_ms"), answered.pop("timings_ms")
        assert timings.keys() | {"audit"} == same.keys()  # `gemel verify` needs no database
        assert answered.pop("audit_id") != printed.pop("audit_id")
        assert_same(printed, answered)


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Floats to the fifth digit: batches of another size add up in another order."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key, value in one.items():
            assert_same(value, other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for place, value in enumerate(one):
            assert_same(value, other[place], f"{where}[{place}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-5), where
    else:
        assert one == other, where
