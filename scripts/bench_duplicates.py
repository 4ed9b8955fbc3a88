"""What copies are found, and what is taken for one, by kind of change; and how long a search of many takes.

python scripts/bench_duplicates.py kinds ../shared/data/kinds [--each 50]
python scripts/bench_duplicates.py scale ../shared/data/kinds [--count 300000]

`kinds` makes a copy of each kind of pictures of each folder and looks for them among all originals, as copies and as
near-duplicates, which a split keeps together; with imagededup installed, its perceptual hash does the same at its own
limit of 10 bits. A variant has a round part of its middle, some share of its shorter side, turned over. `scale` mixes
the looks of the pictures by twos to so many, a tenth of which are copies; hashing the looks is part of the time,
reading pictures is not.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from classifier.duplicates.compare import Pictures
from classifier.duplicates.groups import find_groups, near_pairs
from classifier.images.decode import decode
from classifier.images.walk import find_images
from classifier.inference.reader import look_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Image.Image, Random], Image.Image]

try:
    from imagededup.methods import PHash
except ImportError:
    PHash = None

BITS = 10  # imagededup's own


def compressed(image: Image.Image, quality: int = 90) -> Image.Image:
    """The image after it was a JPEG file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def scaled(image: Image.Image, share: float) -> Image.Image:
    """The image at a share of its size."""
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.LANCZOS)


def cut_all_round(image: Image.Image, share: float) -> Image.Image:
    """Half of the share cut off at each side."""
    x, y = image.width * share / 2, image.height * share / 2
    return image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))


def cut_one_side(image: Image.Image, share: float, random: Random) -> Image.Image:
    """The share cut off at one side."""
    side, box = random.randrange(4), [0, 0, image.width, image.height]
    length = image.width if side % 2 == 0 else image.height
    box[side] += round(length * share) * (1 if side < 2 else -1)  # noqa: PLR2004 - left, upper, right, lower
    return image.crop(tuple(box))  # type: ignore[arg-type]


def marked(image: Image.Image, where: str) -> Image.Image:
    """A name in white with a black line around it: in the lower right corner, at the lower edge or in the middle."""
    layer = Image.new("RGBA", image.size)
    pen, text, size = ImageDraw.Draw(layer), "@artist_name", max(8, round(image.height * 0.06))
    while pen.textlength(text, font=ImageFont.load_default(size)) > 0.45 * image.width and size > 5:  # noqa: PLR2004
        size -= 1
    font, alpha = ImageFont.load_default(size), 110 if where == "middle" else 200
    free = image.width - pen.textlength(text, font=font)
    x = free - 0.02 * image.width if where == "corner" else free / 2
    y = image.height * 0.55 if where == "middle" else image.height * 0.98 - size * 1.2
    pen.text((x, y), text, font=font, fill=(255, 255, 255, alpha), stroke_width=1, stroke_fill=(0, 0, 0, alpha))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def warmer(image: Image.Image) -> Image.Image:
    """More red, less blue."""
    return image.convert("RGB", (1.08, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.88, 0))


def varied(image: Image.Image, share: float, random: Random) -> Image.Image:
    """A round part of the middle turned over, as wide as a share of the shorter side."""
    side = max(6, int(share * min(image.size)))
    x = random.randint(int(image.width * 0.2), max(int(image.width * 0.2), int(image.width * 0.8) - side))
    y = random.randint(int(image.height * 0.15), max(int(image.height * 0.15), int(image.height * 0.7) - side))
    part, mask = image.crop((x, y, x + side, y + side)), Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=255)
    other = image.copy()
    other.paste(ImageOps.flip(part), (x, y), mask.filter(ImageFilter.GaussianBlur(side / 20)))
    return scaled(other, 0.7)


KINDS: dict[str, Change] = {
    "half the size": lambda image, _: scaled(image, 0.5),
    "a quarter of the size": lambda image, _: scaled(image, 0.25),
    "JPEG at quality 50": lambda image, _: compressed(image, 50),
    "3% cut off all round": lambda image, _: cut_all_round(image, 0.03),
    "3% at one side": lambda image, random: cut_one_side(image, 0.03, random),
    "10% all round": lambda image, _: cut_all_round(image, 0.1),
    "10% at one side": lambda image, random: cut_one_side(image, 0.1, random),
    "a name in the corner": lambda image, _: marked(image, "corner"),
    "a name at the lower edge": lambda image, _: marked(image, "edge"),
    "a name in the middle": lambda image, _: marked(image, "middle"),
    "gray": lambda image, _: ImageOps.grayscale(image).convert("RGB"),
    "half the color": lambda image, _: ImageEnhance.Color(image).enhance(0.5),
    "warmer": lambda image, _: warmer(image),
    "15% brighter": lambda image, _: ImageEnhance.Brightness(image).enhance(1.15),
    "mirrored": lambda image, _: ImageOps.mirror(image),
    "variant: 10% of the side": lambda image, random: varied(image, 0.1, random),
    "variant: 15%": lambda image, random: varied(image, 0.15, random),
    "variant: 25%": lambda image, random: varied(image, 0.25, random),
    "variant: 40%": lambda image, random: varied(image, 0.4, random),
}

Seen = tuple[bytes, tuple[int, int], str]
"""What is known of a picture: look, size, and imagededup's hash."""


def seen(image: Image.Image) -> Seen:
    """What is known of one picture."""
    theirs = "" if PHash is None else PHash(verbose=False).encode_image(image_array=np.asarray(image))
    return look_of(torch.from_numpy(np.array(image)).permute(2, 0, 1)), image.size, theirs or ""


def opened(path: Path) -> Image.Image:
    """The picture at a path."""
    return decode(path.read_bytes(), max_megapixels=64).image


def with_copies(path: Path) -> dict[str, Seen]:
    """The original, under the empty name, and its copy of each kind."""
    image, random = opened(path), Random(path.name)
    return {"": seen(image)} | {name: seen(compressed(change(image, random))) for name, change in KINDS.items()}


def seen_at(path: Path) -> Seen:
    """What is known of the picture at a path."""
    return seen(opened(path))


def pictures_of(found: list[Seen]) -> Pictures:
    """The pictures as the search takes them."""
    looks = np.array([np.frombuffer(look, np.uint8) for look, _, _ in found])
    return Pictures(looks=looks, sizes=np.array([size for _, size, _ in found], np.int64))


def our_pairs(found: list[Seen]) -> set[tuple[int, int]]:
    """The pairs of a best picture and one of its copies."""
    groups = find_groups(pictures_of(found))
    return {(min(group[0], other), max(group[0], other)) for group in groups for other in group[1:]}


def our_near_pairs(found: list[Seen]) -> set[tuple[int, int]]:
    """The pairs that stay on one side of a split: copies and variants."""
    return set(near_pairs(pictures_of(found)))


def their_pairs(found: list[Seen]) -> set[tuple[int, int]]:
    """The pairs that imagededup's hash finds."""
    known = {str(number): one[2] for number, one in enumerate(found)}
    result = PHash(verbose=False).find_duplicates(encoding_map=known, max_distance_threshold=BITS)
    return {tuple(sorted((int(one), int(other)))) for one, others in result.items() for other in others}  # type: ignore[misc]


def bench_kinds(root: Path, *, each: int) -> None:
    """Print recall and wrong pairs by kind."""
    folders: dict[Path, list[Path]] = {}
    for file in find_images(root):
        folders.setdefault(file.path.parent, []).append(file.path)
    chosen = [path for paths in folders.values() for path in Random(0).sample(paths, min(each, len(paths)))]
    with ProcessPoolExecutor() as pool:
        made = list(pool.map(with_copies, chosen, chunksize=8))
    originals, size = [one[""] for one in made], len(made)
    ways: dict[str, Any] = {"illsort": our_pairs, "near": our_near_pairs} | (
        {} if PHash is None else {"imagededup": their_pairs}
    )
    alone = {name: way(originals) for name, way in ways.items()}
    print(f"{size:,} originals; pairs among them: {', '.join(f'{name} {len(alone[name])}' for name in ways)}")
    print("| change |", " | ".join(f"{name}: found | wrong pairs" for name in ways), "|")
    for kind in KINDS:
        cells = []
        for name, way in ways.items():
            pairs = way([*originals, *(one[kind] for one in made)])
            right = {(number, number + size) for number in range(size)}
            others = {tuple(sorted((one % size, other % size))) for one, other in pairs - right}
            cells.append(
                f"{len(pairs & right) / size:.1%} | {sum(one != other for one, other in others - alone[name])}"
            )
        print(f"| {kind} |", " | ".join(cells), "|", flush=True)


def mixed(root: Path, *, count: int) -> Pictures:
    """`count` looks, of which the last tenth are copies of the first."""
    with ProcessPoolExecutor() as pool:
        base = pictures_of(list(pool.map(seen_at, [file.path for file in find_images(root)], chunksize=32)))
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(base), (2, count))
    looks = np.empty((count, base.looks.shape[1]), np.uint8)
    share = rng.uniform(0.25, 0.75, (count, 1)).astype(np.float32)
    for start in range(0, count, 4096):
        part = slice(start, start + 4096)
        looks[part] = base.looks[first[part]] * share[part] + base.looks[second[part]] * (1 - share[part])
    copies, sizes = count // 10, base.sizes[first] * 2
    looks[-copies:] = np.clip(looks[:copies].astype(np.int16) + rng.integers(-2, 3, looks[:copies].shape), 0, 255)
    sizes[-copies:] = sizes[:copies] // 2
    return Pictures(looks=looks, sizes=sizes)


def bench_scale(root: Path, *, count: int) -> None:
    """Print how long the search of `count` looks takes."""
    pictures, copies = mixed(root, count=count), count // 10
    before, cpu, began = _peak_mb(), time.process_time(), time.perf_counter()
    groups = find_groups(pictures)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    found = sum(group[0] < copies and group[0] + count - copies in group for group in groups)
    print(f"{count:,} looks: {wall:.1f} s, {cpu:.1f} s of processor; peak {_peak_mb():,.0f} MB, {before:,.0f} before")
    print(f"{found:,} of {copies:,} copies found; {len(groups):,} groups, {sum(map(len, groups)):,} pictures in them")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("kinds", "scale"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=50)
    parser.add_argument("--count", type=int, default=300_000)
    given = parser.parse_args()
    if given.what == "kinds":
        bench_kinds(given.folder, each=given.each)
    else:
        bench_scale(given.folder, count=given.count)


if __name__ == "__main__":
    sys.exit(main())
