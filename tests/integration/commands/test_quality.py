"""What the commands say of a face's quality."""

from pathlib import Path

from indexer.vision import degrade
from tests.support.home import Home
from tests.support.pictures import jpeg, pixels
from tests.support.weights import QUALITY, needs_lightqnet


@needs_lightqnet
def test_with_the_quality_network_commands_say_how_often_such_a_face_is_missed(
    home: Home, people: Path, hopper: bytes
) -> None:
    grace, mirror = people / "Grace_Hopper" / "1.jpg", str(QUALITY)
    bad = people / "Grace_Hopper" / "bad.jpg"
    bad.write_bytes(jpeg(degrade.blur(pixels(hopper), 12)))

    enrolled = home.run(
        *("enrol", people, "--gallery", "judged"), GEMEL_MODEL_MIRROR=mirror, GEMEL_MIN_SHARPNESS="0"
    )
    identified = home.run("identify", grace, "--gallery", "judged", GEMEL_MODEL_MIRROR=mirror).stdout
    compared = home.run("verify", grace, grace, GEMEL_MODEL_MIRROR=mirror).stdout
    shown = home.run("person", "show", "Grace_Hopper", "--gallery", "judged").stdout
    [face] = home.json("person", "show", "Grace_Hopper", "--gallery", "judged")["faces"]

    assert "face_unrecognisable" in enrolled.stdout
    assert 0 < face["expected_miss_rate"] < 0.1
    quality = f"{face['quality']:.0f}, {100 * face['expected_miss_rate']:.0f} % missed"
    assert quality in identified
    assert quality in shown
    assert compared.count(f"quality {quality}") == 2


def test_without_the_quality_network_commands_say_nothing_of_misses(home: Home, people: Path) -> None:
    home.run("enrol", people, "--gallery", "unjudged")

    identified = home.run("identify", people / "Grace_Hopper" / "1.jpg", "--gallery", "unjudged").stdout
    [face] = home.json("person", "show", "Grace_Hopper", "--gallery", "unjudged")["faces"]

    assert "missed" not in identified
    assert face["expected_miss_rate"] is None
