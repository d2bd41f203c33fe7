"""A webcam with somebody who does what the page says: each instruction has a picture of its own."""

import base64
import json
from collections.abc import Mapping

from playwright.sync_api import BrowserContext

from tests.support.clips import presented

_CAMERA = """(() => {
    if (!navigator.mediaDevices) return;  // the empty page before the first one
    const pictures = PICTURES;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [480, 640];
    const pen = canvas.getContext("2d");
    const images = {};  // from bytes: the page's policy permits no address that would hold them
    for (const [words, data] of Object.entries(pictures)) {
        const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
        createImageBitmap(new Blob([bytes])).then(image => (images[words] = image));
    }
    const draw = () => {
        const text = document.querySelector("main")?.textContent ?? "";
        const names = Object.keys(pictures);
        const image = images[names.find(one => text.includes(one)) ?? names[0]];
        if (image) pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    };
    setInterval(draw, 50);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
})()"""


def act(context: BrowserContext, pictures: Mapping[str, bytes]) -> None:
    """Gives the pages of `context` this camera. `pictures`: JPEG files, by words of an instruction; the first
    one is shown before there is any."""
    encoded = {words: base64.b64encode(picture).decode() for words, picture in pictures.items()}
    context.add_init_script(_CAMERA.replace("PICTURES", json.dumps(encoded)))


def turning_and_nodding() -> dict[str, bytes]:
    """Of a man who can do three of the movements: turn to his left, look up, look down."""
    frames = {"Look straight into the camera": 50, "Turn your head to your left": 72}
    frames |= {"look up": 118, "look down": 159}
    return {words: presented(number) for words, number in frames.items()}
