"""Draws a picture of a sorted library for the README: a row a folder, with the first pictures in it.

python scripts/draw_sheet.py illsort-demo/sorted docs/sorted.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from classifier.images.decode import decode

COLUMNS, SIDE, GAP, NAME_WIDTH = 8, 104, 10, 190
BACKGROUND, INK, FAINT = (252, 252, 253), (36, 38, 46), (120, 124, 136)


def main(library: Path, target: Path) -> None:
    """One row for each folder that holds pictures, categories first."""
    folders = sorted(
        {path.parent for path in library.rglob("*.*") if not path.relative_to(library).parts[0].startswith(".")}
        - {library},
        key=lambda folder: (folder.relative_to(library).parts[0] == "_review", folder),
    )
    sheet = Image.new("RGB", (NAME_WIDTH + COLUMNS * (SIDE + GAP) + GAP, len(folders) * (SIDE + GAP) + GAP), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for row, folder in enumerate(folders):
        top = GAP + row * (SIDE + GAP)
        files = sorted(folder.iterdir())
        name, count = folder.relative_to(library).as_posix(), f"{len(files)} picture{'s' * (len(files) != 1)}"
        parts = name.split("/")
        for line, part in enumerate(parts):
            text = part + "/" * (line < len(parts) - 1)
            pen.text((GAP + 4, top + 30 - 10 * len(parts) + 21 * line), text, INK, ImageFont.load_default(18))
        pen.text((GAP + 4, top + 36 + 11 * len(parts)), count, FAINT, ImageFont.load_default(14))
        for column, file in enumerate(files[:COLUMNS]):
            picture = decode(file.read_bytes(), max_megapixels=64).image
            tile = ImageOps.contain(picture, (SIDE, SIDE), Image.Resampling.LANCZOS)
            left = NAME_WIDTH + column * (SIDE + GAP)
            sheet.paste(tile, (left + (SIDE - tile.width) // 2, top + (SIDE - tile.height) // 2))
    sheet.save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
