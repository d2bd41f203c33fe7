"""Networks of liveness."""

from indexer.weights.file import WeightFile
from indexer.weights.published.weight_set import WeightSet

# The commits that brought the files: no branch is named.
_MINIVISION = (
    "https://raw.githubusercontent.com/minivision-ai/Silent-Face-Anti-Spoofing"
    "/f679b7c96ad407d1114182847d3e0c20619a76d0/resources/anti_spoof_models"
)
MINIFASNET_V2 = WeightFile(
    name="2.7_80x80_MiniFASNetV2.pth",
    sha256="a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
    addresses=(f"{_MINIVISION}/2.7_80x80_MiniFASNetV2.pth",),
    size_bytes=1_849_453,
)
MINIFASNET_V1SE = WeightFile(
    name="4_0_0_80x80_MiniFASNetV1SE.pth",
    sha256="84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
    addresses=(f"{_MINIVISION}/4_0_0_80x80_MiniFASNetV1SE.pth",),
    size_bytes=1_856_130,
)
MINIFASNET_CELEBA_SPOOF = WeightFile(
    name="best_model.onnx",
    sha256="af2381b88f38769222ed93379e12444e2a50814575de1c46170de570c55a42b6",
    addresses=(
        "https://raw.githubusercontent.com/johnraivenolazo/face-antispoof-onnx"
        "/2b0a221fda633ac0aa0b0797b578580ecbbb4f81/models/best/98.20/best_model.onnx",
    ),
    size_bytes=1_912_594,
)

LIVENESS_NETWORKS = (
    WeightSet(
        name="minifasnet",
        purpose="attribute: liveness, two of the three networks",
        files=(MINIFASNET_V2, MINIFASNET_V1SE),
        licence="Apache-2.0",
        publisher="Minivision (Silent-Face-Anti-Spoofing, 2020)",
        page="https://github.com/minivision-ai/Silent-Face-Anti-Spoofing",
        notes="trained on unpublished pictures; detects prints and screens, but no masks",
    ),
    WeightSet(
        name="minifasnet-celeba-spoof",
        purpose="attribute: liveness, the third network",
        files=(MINIFASNET_CELEBA_SPOOF,),
        licence="Apache-2.0",
        publisher="face-antispoof-onnx (Olazo 2025)",
        page="https://github.com/johnraivenolazo/face-antispoof-onnx",
        notes="trained on CelebA-Spoof, a data set for research; detects prints and screens, but no masks",
        figures=(("accuracy on CelebA-Spoof, of people and of attacks", "0.9758, 0.9873"),),
    ),
)
