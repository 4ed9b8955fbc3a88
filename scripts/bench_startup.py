"""How long `illsort sort` takes over pictures that are all known, process start included.

python scripts/bench_startup.py [--pictures 15000] [--rounds 3] [--bundle FOLDER] [--against CHECKOUT]

Small pictures are drawn and sorted once; then they are sorted again and again. With `--against`, by another checkout of
this project too, in turn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Draw, sort once, then time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--folder", type=Path, default=ROOT.parent, help="where the pictures are drawn")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="illsort-bench-", dir=args.folder) as work:
        crawl, library = Path(work, "crawl"), Path(work, "sorted")
        draw(crawl, args.pictures)
        print(f"first sort: {seconds(ROOT, crawl, library, args.bundle):.1f} s", flush=True)
        for _ in range(args.rounds):
            for checkout in filter(None, (args.against, ROOT)):
                print(f"{checkout}: {seconds(checkout, crawl, library, args.bundle):.2f} s", flush=True)


def draw(crawl: Path, count: int) -> None:
    """JPEGs of about a kilobyte, each of its own."""
    rng = np.random.default_rng(0)
    for number in range(count):
        folder = crawl / f"{number % 100:02}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(folder / f"{number}.jpg", quality=75)


def seconds(checkout: Path, crawl: Path, library: Path, bundle: Path) -> float:
    """Wall seconds of one sort by the code in `checkout`."""
    command = [sys.executable, "-m", "classifier", "sort", str(crawl), "--out", str(library), "--model", str(bundle)]
    started = time.monotonic()
    subprocess.run(
        command, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)}, check=True, capture_output=True
    )
    return time.monotonic() - started


if __name__ == "__main__":
    main()
