"""Drawings with copies and variants of them: what a crawl holds of one picture."""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from classifier.duplicates.compare import Pictures
from classifier.inference.reader import look_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIDES = (400, 520)


def drawing(seed: int, size: tuple[int, int] = SIDES) -> Image.Image:
    """Overlapping shapes of many colors on a background that changes slowly."""
    random = Random(seed)
    image = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * random.randrange(4)).resize(size)] * 3)
    pen = ImageDraw.Draw(image)
    width, height = size
    for _ in range(60):
        x, y = random.randrange(width), random.randrange(height)
        box = (x, y, x + random.randrange(20, width // 3), y + random.randrange(20, height // 3))
        pen.ellipse(box, fill=tuple(random.randrange(256) for _ in range(3)), outline=(0, 0, 0), width=3)
    return image


def with_face(image: Image.Image, *, smiling: bool) -> Image.Image:
    """The drawing with a figure on it, whose face is a fifth of its width."""
    image, (width, height) = image.copy(), image.size
    pen, x, y, side = ImageDraw.Draw(image), width * 0.4, height * 0.3, width * 0.2
    pen.ellipse((x, y, x + side, y + side), fill=(255, 220, 190))
    for eye in (0.2, 0.6):
        left, top = x + eye * side, y + 0.25 * side
        pen.ellipse((left, top, left + 0.2 * side, top + (0.25 if smiling else 0.06) * side), fill=(20, 20, 60))
    mouth = (x + 0.25 * side, y + (0.6 if smiling else 0.75) * side, x + 0.75 * side, y + 0.9 * side)
    pen.ellipse(mouth, fill=(150, 20, 30))
    return image


def compressed(image: Image.Image, quality: int = 90) -> Image.Image:
    """The image after it was a JPEG file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def cut(image: Image.Image, share: float, *, all_round: bool) -> Image.Image:
    """The image without a share of its width, and of its height where it is cut all round."""
    width, height = image.size
    x, y = round(width * share), round(height * share)
    box = (x // 2, y // 2, width - x // 2, height - y // 2) if all_round else (x, 0, width, height)
    return compressed(image.crop(box))


def marked(image: Image.Image) -> Image.Image:
    """The image with a white mark in its lower right corner."""
    image = image.copy()
    width, height = image.size
    ImageDraw.Draw(image).rectangle((width * 0.75, height * 0.92, width * 0.97, height * 0.97), fill="white")
    return compressed(image)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda image: compressed(image.resize((image.width // 2, image.height // 2))),
    "a quarter of the size": lambda image: compressed(image.resize((image.width // 4, image.height // 4))),
    "strongly compressed": lambda image: compressed(image, 50),
    "cut all round by 3%": lambda image: cut(image, 0.03, all_round=True),
    "cut at one side by 3%": lambda image: cut(image, 0.03, all_round=False),
    "cut at one side by 10%": lambda image: cut(image, 0.1, all_round=False),
    "marked": marked,
    "gray": lambda image: compressed(ImageOps.grayscale(image).convert("RGB")),
    "with less color": lambda image: compressed(ImageEnhance.Color(image).enhance(0.5)),
}


def look_at(image: Image.Image) -> bytes:
    """The look of an image in mode RGB."""
    return look_of(torch.from_numpy(np.array(image)).permute(2, 0, 1))


def pictures_of(*images: Image.Image) -> Pictures:
    """The pictures as the search takes them."""
    looks = np.array([np.frombuffer(look_at(image), np.uint8) for image in images])
    return Pictures(looks=looks, sizes=np.array([image.size for image in images], np.int64))
