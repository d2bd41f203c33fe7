"""A photograph blurred, scaled, cropped, or beside another one."""

import io

import PIL.Image
from PIL import ImageFilter

from tests.support.pictures import encoded


def opened(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data)).convert("RGB")


def as_jpeg(image: PIL.Image.Image, quality: int = 92) -> bytes:
    return encoded(image, "JPEG", quality=quality)


def side_by_side(*pictures: bytes) -> bytes:
    images = [opened(picture) for picture in pictures]
    canvas = PIL.Image.new("RGB", (sum(i.width for i in images), max(i.height for i in images)))
    left = 0
    for image in images:
        canvas.paste(image, (left, 0))
        left += image.width
    return as_jpeg(canvas)


def blurred(picture: bytes, radius_px: float) -> bytes:
    return as_jpeg(opened(picture).filter(ImageFilter.GaussianBlur(radius_px)))


def scaled(picture: bytes, scale: float) -> bytes:
    image = opened(picture)
    return as_jpeg(image.resize((round(image.width * scale), round(image.height * scale))))


def cropped(image: PIL.Image.Image) -> PIL.Image.Image:
    """Head and shoulders, off centre."""
    return image.crop((80, 10, 450, 450))
