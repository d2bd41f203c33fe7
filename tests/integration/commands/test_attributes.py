"""Attributes on the command line: in words for people, and in JSON."""

import json
from pathlib import Path

import pytest

from tests.support.home import Home
from tests.support.weights import attributes_mirror, needs_attributes

pytestmark = needs_attributes


@pytest.fixture(scope="module")
def permissive(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    mirror = attributes_mirror(tmp_path_factory.mktemp("mirror"))
    home.environment |= {"GEMEL_MODEL_MIRROR": str(mirror), "GEMEL_ATTRIBUTES": "liveness,expression"}
    return home


@pytest.fixture
def portrait(tmp_path: Path, collins: bytes) -> Path:
    path = tmp_path / "collins.jpg"
    path.write_bytes(collins)
    return path


def test_detect_says_what_each_face_shows(permissive: Home, portrait: Path) -> None:
    shown = permissive.run("detect", portrait, "--attributes", "expression").stdout
    [listed] = json.loads(
        permissive.run("detect", portrait, "--attributes", "expression", "--json", "-").stdout
    )

    assert "collins.jpg: 1 face, 512 x 512 pixels" in shown
    assert "expression happiness (" in shown
    assert listed["faces"][0]["attributes"]["expression"]["value"] == "happiness"


def test_an_attribute_that_does_not_exist_is_named(permissive: Home, portrait: Path) -> None:
    done = permissive.run("detect", portrait, "--attributes", "smile", status=2)

    assert "there is no attribute 'smile'" in done.stderr


def test_enrolment_counts_values_and_lists_them_in_json(
    permissive: Home, people: Path, tmp_path: Path
) -> None:
    report = tmp_path / "enrolled.json"
    shown = permissive.run(
        *("enrol", people, "--gallery", "attributes", "--attributes", "liveness", "--json", report)
    ).stdout

    assert "liveness: " in shown
    listed = json.loads(report.read_text())["attributes"]
    assert sorted(file["person"] for file in listed) == ["Eileen_Collins", "Grace_Hopper"]
    assert all("liveness" in file["attributes"] for file in listed)


def test_a_gallery_that_permits_none_forbids_them_to_commands_too(permissive: Home, people: Path) -> None:
    permissive.run("gallery", "create", "strict", "--attributes", "none")
    shown = permissive.run("gallery", "show", "strict").stdout

    done = permissive.run("enrol", people, "--gallery", "strict", "--attributes", "liveness", status=1)

    assert "It permits no attributes." in shown
    assert "the gallery's policy does not permit the attribute liveness" in done.stderr
