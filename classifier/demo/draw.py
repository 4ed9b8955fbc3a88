"""Draws illustration-like pictures of five kinds, varied and repeatable; all that the project shows is drawn here."""

from __future__ import annotations

import colorsys
import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

Color = tuple[int, int, int]
Canvas = ImageDraw.ImageDraw
INK: Color = (30, 26, 34)
PAPER: Color = (250, 249, 246)
SKIN: tuple[Color, ...] = ((255, 226, 204), (246, 205, 176), (222, 170, 132), (168, 116, 84))


def draw(kind: str, seed: int) -> Image.Image:
    """One picture of `kind` (a key of KINDS), RGB, 256 to 448 pixels a side; the same for the same seed."""
    rng = random.Random(f"{kind} {seed}")  # noqa: S311 - a repeatable draw, not a secret
    return KINDS[kind](rng)


def color(rng: random.Random, *, lightness: tuple[float, float] = (0.3, 0.7), hue: float | None = None) -> Color:
    """A saturated color of some hue; `lightness` is a range within 0..1."""
    red, green, blue = colorsys.hls_to_rgb(
        rng.random() if hue is None else hue % 1, rng.uniform(*lightness), rng.uniform(0.4, 0.9)
    )
    return round(red * 255), round(green * 255), round(blue * 255)


def _canvas(size: tuple[int, int], fill: Color) -> tuple[Image.Image, Canvas]:
    image = Image.new("RGB", size, fill)
    return image, ImageDraw.Draw(image)


def _gradient(size: tuple[int, int], top: Color, bottom: Color) -> Image.Image:
    strip = Image.new("RGB", (1, 2))
    strip.putpixel((0, 0), top)
    strip.putpixel((0, 1), bottom)
    return strip.resize(size, Image.Resampling.BILINEAR)


def _ellipse(pen: Canvas, x: float, y: float, rx: float, ry: float, **style: object) -> None:
    pen.ellipse((x - rx, y - ry, x + rx, y + ry), **style)  # type: ignore[arg-type]


def landscape(rng: random.Random) -> Image.Image:
    """Sky, sun or moon, ranges of hills, trees or a lake; nobody in it."""
    width, height = rng.randint(340, 448), rng.randint(256, 320)
    night = rng.random() < 0.3  # noqa: PLR2004
    hue = rng.random()
    sky = ((0.1, 0.2), (0.25, 0.4)) if night else ((0.45, 0.7), (0.75, 0.92))
    image = _gradient((width, height), *(color(rng, lightness=band, hue=hue + 0.08 * i) for i, band in enumerate(sky)))
    pen = ImageDraw.Draw(image)
    radius = rng.randint(14, 40)
    _ellipse(pen, rng.randint(0, width), rng.randint(20, height // 2), radius, radius, fill=(255, 246, 214))
    for _ in range(rng.randint(0, 60) if night else 0):
        pen.point((rng.randint(0, width), rng.randint(0, height // 2)), fill=PAPER)
    layers = rng.randint(2, 4)
    ground = rng.random()
    for layer in range(layers):
        _hills(pen, rng, width=width, height=height, depth=(layer + 1) / layers, hue=ground)
    for _ in range(rng.randint(0, 24)):
        _tree(pen, rng, x=rng.randint(0, width), y=rng.randint(int(height * 0.72), height), hue=ground)
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))


def _hills(pen: Canvas, rng: random.Random, *, width: int, height: int, depth: float, hue: float) -> None:
    waves = [(rng.uniform(0.5, 4), rng.uniform(0, math.tau), rng.uniform(4, 28)) for _ in range(3)]
    base = height * (0.35 + 0.45 * depth)
    ridge = [
        (x, base + sum(swing * math.sin(rate * math.tau * x / width + phase) for rate, phase, swing in waves))
        for x in range(0, width + 4, 4)
    ]
    shade = 0.62 - 0.4 * depth
    pen.polygon([(0, height), *ridge, (width, height)], fill=color(rng, lightness=(shade, shade + 0.08), hue=hue))


def _tree(pen: Canvas, rng: random.Random, *, x: int, y: int, hue: float) -> None:
    size = rng.randint(10, 34)
    pen.line((x, y, x, y - size), fill=(82, 58, 44), width=3)
    leaves = color(rng, lightness=(0.2, 0.4), hue=hue + 0.05)
    for step in range(3):
        half, top = size * (0.5 - 0.12 * step), y - size * (0.4 + 0.4 * step)
        pen.polygon([(x - half, top), (x + half, top), (x, top - size * 0.6)], fill=leaves)


def portrait(rng: random.Random) -> Image.Image:
    """One face with large eyes, hair, shoulders, before a plain or a busy background."""
    width, height = rng.randint(256, 340), rng.randint(320, 420)
    hue = rng.random()
    back = (color(rng, lightness=(0.6, 0.95), hue=hue + rng.uniform(0.3, 0.6)) for _ in range(2))
    image = _gradient((width, height), *back)
    pen = ImageDraw.Draw(image)
    x, y = width / 2 + rng.uniform(-20, 20), height * rng.uniform(0.4, 0.5)
    face = width * rng.uniform(0.22, 0.3)
    hair, skin = color(rng, lightness=(0.2, 0.75), hue=hue), rng.choice(SKIN)
    long = rng.uniform(1.2, 2.4)
    _ellipse(pen, x, y + face * (long - 1.2), face * 1.3, face * long, fill=hair)
    pen.rectangle((x - face * 0.28, y + face * 0.8, x + face * 0.28, y + face * 1.6), fill=skin)
    _ellipse(pen, x, height + face * 0.25, face * 1.9, height - y - face * 1.25, fill=color(rng), outline=INK)
    _ellipse(pen, x, y + face * 0.15, face, face * 1.12, fill=skin, outline=INK)
    _eyes(pen, rng, x=x, y=y + face * 0.2, face=face)
    _fringe(pen, rng, x=x, y=y, face=face, hair=hair)
    mouth = rng.uniform(0.08, 0.3) * face
    pen.arc((x - mouth, y + face * 0.62, x + mouth, y + face * 0.82), 0, 180, fill=INK, width=2)
    return image


def _eyes(pen: Canvas, rng: random.Random, *, x: float, y: float, face: float) -> None:
    iris, tall = color(rng, lightness=(0.3, 0.6)), rng.uniform(0.2, 0.32)
    for side in (-1, 1):
        centre = x + side * face * 0.42
        _ellipse(pen, centre, y, face * 0.2, face * tall, fill=PAPER, outline=INK)
        _ellipse(pen, centre, y + 2, face * 0.14, face * tall * 0.8, fill=iris)
        _ellipse(pen, centre, y + 2, face * 0.06, face * tall * 0.4, fill=INK)
        _ellipse(pen, centre - face * 0.05, y - face * tall * 0.4, face * 0.05, face * 0.05, fill=PAPER)
        pen.line((centre - face * 0.2, y - face * tall, centre + face * 0.2, y - face * tall), fill=INK, width=3)


def _fringe(pen: Canvas, rng: random.Random, *, x: float, y: float, face: float, hair: Color) -> None:
    top, strands = y - face * 0.95, rng.randint(4, 8)
    for strand in range(strands):
        left = x - face + 2 * face * strand / strands
        tip = left + face / strands + rng.uniform(-8, 8)
        pen.polygon(
            [
                (left - 4, y - face * 0.3),
                (x, top),
                (left + 2 * face / strands + 4, y - face * 0.3),
                (tip, y + face * 0.1),
            ],
            fill=hair,
        )
    pen.pieslice((x - face * 1.1, top - face * 0.2, x + face * 1.1, y + face * 0.6), 180, 360, fill=hair)


def comic_page(rng: random.Random) -> Image.Image:
    """Black and white panels with figures, speed lines, screen tone and balloons."""
    width, height = rng.randint(270, 320), rng.randint(384, 448)
    image, _ = _canvas((width, height), PAPER)
    top, rows = 8, rng.randint(2, 4)
    for row in range(rows):
        bottom = 8 + (height - 8) * (row + 1) // rows - 8
        columns = rng.randint(1, 3)
        for column in range(columns):
            left, right = 8 + (width - 8) * column // columns, (width - 8) * (column + 1) // columns
            _panel(image, rng, (left, top, right, bottom))
        top = bottom + 8
    return image if rng.random() < 0.8 else Image.blend(image, Image.new("RGB", image.size, (255, 214, 170)), 0.3)  # noqa: PLR2004


def _panel(page: Image.Image, rng: random.Random, box: tuple[int, int, int, int]) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    panel, pen = _canvas((width, height), PAPER)
    x, y = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.5, 0.8)
    if rng.random() < 0.4:  # noqa: PLR2004
        for _ in range(40):
            angle = rng.uniform(0, math.tau)
            pen.line(
                (
                    x + 40 * math.cos(angle),
                    y + 40 * math.sin(angle),
                    x + 600 * math.cos(angle),
                    y + 600 * math.sin(angle),
                ),
                fill=INK,
            )
    else:
        for dot in range(0, width * height, rng.choice((37, 53, 91))):
            pen.point((dot % width, dot // width), fill=INK)
    radius = min(width, height) * rng.uniform(0.16, 0.3)
    _ellipse(
        pen, x, height + radius * 0.4, radius * 1.6, height - y - radius * 0.4 + 4, fill=(130, 130, 130), outline=INK
    )
    _ellipse(pen, x, y, radius, radius * 1.15, fill=PAPER, outline=INK, width=2)
    for side in (-1, 1):
        _ellipse(pen, x + side * radius * 0.4, y, radius * 0.13, radius * 0.24, fill=INK)
    pen.pieslice((x - radius * 1.1, y - radius * 1.4, x + radius * 1.1, y + radius * 0.5), 180, 360, fill=INK)
    bx, by = width * rng.uniform(0.2, 0.8), height * 0.2
    _ellipse(pen, bx, by, width * 0.2 + 8, height * 0.14 + 4, fill=PAPER, outline=INK, width=2)
    for line in range(3):
        pen.line((bx - width * 0.1, by - 6 + 5 * line, bx + width * rng.uniform(0, 0.1), by - 6 + 5 * line), fill=INK)
    pen.rectangle((0, 0, width - 1, height - 1), outline=INK, width=3)
    page.paste(panel, box[:2])


def pixel_sprite(rng: random.Random) -> Image.Image:
    """A small mirrored figure of few colors, enlarged without smoothing."""
    cells = rng.choice((12, 16, 20))
    hue = rng.random()
    palette = [INK, *(color(rng, hue=hue + rng.uniform(0, 0.3)) for _ in range(3))]
    image, _ = _canvas((cells, cells), rng.choice((PAPER, (255, 255, 255), (28, 32, 48), (120, 180, 120))))
    for y in range(1, cells - 1):
        for x in range(1, cells // 2):
            inside = math.hypot((x - cells / 2) / (cells * 0.42), (y - cells / 2) / (cells * 0.48)) < 1
            if inside and rng.random() < 0.72:  # noqa: PLR2004
                dye = palette[0] if rng.random() < 0.2 else rng.choice(palette[1:])  # noqa: PLR2004
                image.putpixel((x, y), dye)
                image.putpixel((cells - 1 - x, y), dye)
    scale = rng.randint(256, 384) // cells
    return image.resize((cells * scale, cells * scale), Image.Resampling.NEAREST)


def item_icon(rng: random.Random) -> Image.Image:
    """A potion, gem, sword or shield in a rounded frame, as a game shows what one carries."""
    side = rng.randint(256, 320)
    image, pen = _canvas((side, side), color(rng, lightness=(0.08, 0.25)))
    pen.rounded_rectangle(
        (12, 12, side - 12, side - 12),
        side // 8,
        fill=color(rng, lightness=(0.35, 0.6)),
        outline=(232, 206, 132),
        width=6,
    )
    glow = Image.new("L", (side, side), 0)
    _ellipse(ImageDraw.Draw(glow), side / 2, side / 2, side * 0.3, side * 0.3, fill=170)
    image.paste(PAPER, mask=glow.filter(ImageFilter.GaussianBlur(side / 10)))
    rng.choice((_potion, _gem, _sword, _shield))(ImageDraw.Draw(image), rng, side / 2, side * rng.uniform(0.2, 0.28))
    return image.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor=image.getpixel((1, 1)))


def _potion(pen: Canvas, rng: random.Random, c: float, r: float) -> None:
    pen.rectangle((c - r * 0.25, c - r * 1.3, c + r * 0.25, c), fill=(226, 238, 244), outline=INK, width=3)
    _ellipse(pen, c, c + r * 0.3, r * 0.9, r * 0.9, fill=(226, 238, 244), outline=INK, width=3)
    pen.chord((c - r * 0.8, c - r * 0.5, c + r * 0.8, c + r * 1.1), 0, 180, fill=color(rng))
    pen.rectangle((c - r * 0.32, c - r * 1.55, c + r * 0.32, c - r * 1.2), fill=(150, 104, 66), outline=INK, width=3)


def _gem(pen: Canvas, rng: random.Random, c: float, r: float) -> None:
    hue = rng.random()
    corners = [(c - r, c - r * 0.3), (c - r * 0.5, c - r), (c + r * 0.5, c - r), (c + r, c - r * 0.3), (c, c + r * 1.2)]
    for first, second in zip(corners, corners[1:] + corners[:1], strict=True):
        pen.polygon([first, second, (c, c - r * 0.2)], fill=color(rng, lightness=(0.35, 0.8), hue=hue), outline=INK)


def _sword(pen: Canvas, rng: random.Random, c: float, r: float) -> None:
    pen.line((c - r, c + r, c + r * 1.2, c - r * 1.2), fill=(214, 222, 230), width=round(r * 0.35))
    pen.line((c - r, c + r, c + r * 1.2, c - r * 1.2), fill=(150, 160, 172), width=3)
    pen.line((c - r, c + r * 0.1, c - r * 0.1, c + r), fill=color(rng), width=round(r * 0.25))
    pen.line((c - r * 1.2, c + r * 1.2, c - r * 0.6, c + r * 0.6), fill=(110, 74, 48), width=round(r * 0.3))


def _shield(pen: Canvas, rng: random.Random, c: float, r: float) -> None:
    outline = [(c - r, c - r), (c + r, c - r), (c + r * 0.9, c + r * 0.3), (c, c + r * 1.3), (c - r * 0.9, c + r * 0.3)]
    pen.polygon(outline, fill=color(rng), outline=INK, width=5)
    pen.polygon([outline[0], (c, c - r), (c, c + r * 1.3), outline[4]], fill=color(rng), outline=INK, width=3)


KINDS: dict[str, Callable[[random.Random], Image.Image]] = {
    "comic_page": comic_page,
    "item_icon": item_icon,
    "landscape": landscape,
    "pixel_sprite": pixel_sprite,
    "portrait": portrait,
}
