"""How long `illsort sort` takes over pictures that are all known, process start included.

python scripts/bench_startup.py --bundle FOLDER [--pictures 15000] [--rounds 3] [--against CHECKOUT]

Small pictures are drawn and filed once by drawn answers in the network's place; then they are sorted again and again.
With `--against`, by another checkout of this project too, in turn. At last, how long a sort of the same pictures into a
new library takes to file the first one, by each engine; ONNX Runtime's export is made before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from timing import timed

from classifier.catalog import files
from classifier.catalog.files import add_image
from classifier.catalog.predictions import add_logits
from classifier.images.hashing import hash_file
from classifier.records import ImageInfo
from classifier.settings import Settings
from classifier.sort import answers, pipeline

YEAR_2020 = 1_577_836_800
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Draw, file once, then time."""
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
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is for a user: compiled once
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(work, "compiled"))
        answers.predict = by_chance
        pipeline.sort(crawl, library=library, bundle=args.bundle.absolute(), settings=Settings())
        for number in range(args.rounds + 1):
            for checkout in filter(None, (args.against, ROOT)):
                os.chdir(checkout)  # where `-m` looks first
                where = [str(crawl), "--out", str(library), "--model", str(args.bundle.absolute())]
                wall, cpu = timed(sys.executable, "-m", "classifier", "sort", *where)
                print(
                    f"{checkout.name}{'' if number else ' (compiles)'}: wall {wall:.2f} s, CPU {cpu:.2f} s", flush=True
                )
        for engine in ("torch", "onnx"):
            first_filed(crawl, Path(work, f"first-{engine}"), args.bundle.absolute(), engine)
            seconds = [
                first_filed(crawl, Path(work, f"first-{engine}-{number}"), args.bundle.absolute(), engine)
                for number in range(args.rounds)
            ]
            print(f"first picture filed by {engine}: {', '.join(f'{one:.1f}' for one in seconds)} s", flush=True)


def first_filed(crawl: Path, library: Path, bundle: Path, engine: str) -> float:
    """Seconds until a picture lies in a category; the sort is ended then."""
    where = [str(crawl), "--out", str(library), "--model", str(bundle), "--engine", engine]
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "classifier", "sort", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not any(library.glob("[!.]*/*.jpg")) and process.poll() is None:
        time.sleep(0.02)
    seconds = time.monotonic() - started
    process.kill()
    process.wait()
    return seconds


def draw(crawl: Path, count: int) -> None:
    """JPEGs of about a kilobyte, each of its own."""
    rng = np.random.default_rng(0)
    for number in range(count):
        folder = crawl / f"{number % 100:02}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        path = folder / f"{number}.jpg"
        Image.fromarray(pixels).resize((64, 64)).save(path, quality=75)
        os.utime(path, (YEAR_2020, YEAR_2020))  # at one that is just being written a sort looks twice


def by_chance(catalog: Any, _: Path, *, run: int, crawl: Path, bundle: Any, **__: object) -> Iterator[Path]:
    """As `predict` does, with drawn logits."""
    rng, manifest = np.random.default_rng(0), bundle.manifest
    paths = list(files.to_predict(catalog, run=run, crawl=crawl, model=manifest.key))
    with catalog.transaction():
        for path in paths:
            file, identity = hash_file(path)
            image = ImageInfo(id=identity, size_bytes=file.size_bytes, width=64, height=64, truncated=False)
            logits = rng.normal(0, 3, len(manifest.categories)).astype(np.float32)
            add_image(catalog, image)
            add_logits(catalog, identity, model=manifest.key, logits=logits, novelty=0.0)
            files.set_image_id(catalog, file, identity)
    yield from paths[-1:]


if __name__ == "__main__":
    main()
