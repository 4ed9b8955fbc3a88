"""Draws a crawl as large as real ones are: 60% JPEG, 30% PNG, 10% WebP, 1 to 9 megapixels.

Small drawings are enlarged and get grain in a part of their area, so that files are about as long as real ones.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
from PIL import Image

from classifier.demo.draw import KINDS, draw

SUFFIXES = ("jpg", "jpg", "png", "jpg", "jpg", "png", "jpg", "jpg", "png", "webp")
MEGAPIXELS = (1.0, 9.0)
GRAIN = 2.2
GRAINY_SHARE = 0.45
BLOCK = 64


def draw_crawl(folder: Path, count: int) -> None:
    """Draw `count` pictures into a folder for each kind; the same ones every time."""
    for number in range(count):
        kind, suffix = list(KINDS)[number % len(KINDS)], SUFFIXES[number % len(SUFFIXES)]
        target = folder / kind / f"{number:05}.{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        rng = random.Random(number)
        picture = enlarged(
            draw(kind, number), megapixels=math.exp(rng.uniform(*map(math.log, MEGAPIXELS))), seed=number
        )
        picture.save(target, quality=rng.choice([88, 92, 95]))  # which PNG ignores


def enlarged(drawing: Image.Image, *, megapixels: float, seed: int) -> Image.Image:
    """The drawing at this size, upright or lying, with grain in blocks of about half of its area."""
    rng = np.random.default_rng(seed)
    longer = round(math.sqrt(megapixels * 1.4e6))
    shorter = round(longer / 1.4)
    size = (longer, shorter) if rng.random() < 0.5 else (shorter, longer)  # noqa: PLR2004 - either way as often
    pixels = np.asarray(drawing.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    blocks = (rng.random((size[1] // BLOCK + 1, size[0] // BLOCK + 1)) < GRAINY_SHARE).astype(np.float32)
    where = np.asarray(Image.fromarray(blocks).resize(size), dtype=np.float32)
    grain = where * rng.normal(0, GRAIN, size[::-1]).astype(np.float32)
    return Image.fromarray(np.clip(pixels + grain[..., None], 0, 255).astype(np.uint8))


def draw_labels(folder: Path, per_kind: int) -> None:
    """Small pictures of each kind to learn from; none is in the crawl."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for number in range(per_kind):
            draw(kind, 1_000_000 + number).save(folder / kind / f"{number}.png")
