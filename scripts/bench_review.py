"""How fast the review page answers a person, measured in Chromium beside the real server; prints a Markdown table.

python scripts/bench_review.py [--rows 100000] [--keys 150] [--pages 8] [--megapixels 1.9] [--folder KEPT]

A library is made (in `--folder`, or a temporary one): a catalog with drawn rows as a sort leaves them, and real files
of a few megapixels for those rows that the page comes to. A file is one of some drawn pictures with a number behind its
end, so that each has an id of its own. Nothing is measured twice: every thumbnail is made for the first time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from classifier.catalog import decisions, runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.predictions import add_many_logits, logits_as_bytes
from classifier.catalog.values import to_bytes
from classifier.demo.draw import KINDS, draw
from classifier.model.bundle_files import MANIFEST
from classifier.model.manifest import prediction_key
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, ImageId, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

CATEGORIES = tuple(f"kind {number:02}" for number in range(20))
MODEL = {"weights_sha256": "0" * 64, "image_size": 224, "max_squeeze": 2.0}
DRAWN = 120
GRID = 60
LOOKING_S = 4.0
"""How long a person looks at sixty pictures before Enter, at the least."""
KEYS_A_SECOND = 4.0
SHOWN = """async () => {
  const images = [...document.querySelectorAll('.cell img, .stage img')];
  await Promise.all(images.map((image) => image.decode().catch(() => undefined)));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return images.length;
}"""
PRESS = """async ([key, of]) => {
  const names = () => [...document.querySelectorAll(of)].map((image) => image.src).join();
  const before = names(), start = performance.now();
  document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  while (names() === before || document.querySelectorAll(of).length === 0)
    await new Promise((done) => setTimeout(done, 1));
  await Promise.all([...document.querySelectorAll(of)].map((image) => image.decode().catch(() => undefined)));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [performance.now() - start, document.querySelectorAll(of).length];
}"""
SAVED = """() => performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/say'))
  .map((one) => one.responseEnd - one.startTime)"""


def contents(megapixels: float) -> list[bytes]:
    """Drawn pictures of so many megapixels; three of four are JPEG, the others PNG."""
    kinds = list(KINDS)
    return [_encoded(kinds[number % len(kinds)], number, megapixels) for number in range(DRAWN)]


def _encoded(kind: str, number: int, megapixels: float) -> bytes:
    small = draw(kind, number)
    scale = (megapixels * 1e6 / (small.width * small.height)) ** 0.5
    image = small.resize((round(small.width * scale), round(small.height * scale)), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(number).normal(0, 3, (image.height, image.width, 1))
    image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    file = BytesIO()
    image.save(file, "PNG" if number % 4 == 3 else "JPEG", quality=90, compress_level=1)  # noqa: PLR2004
    return file.getvalue()


def make_library(folder: Path, *, rows: int, first: int, megapixels: float) -> Path:
    """`folder / "sorted"` with so many rows that wait, each with a file, or the page would count it as deleted.

    The files are pictures for the `first` of all, for the `first` of the largest category, and for the first grid of
    each; the others have a few bytes.
    """
    library, bundle = folder / "sorted", folder / "model"
    bundle.mkdir(parents=True)
    manifest = {"categories": CATEGORIES, "temperature": 1.0, **MODEL}
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    chance, drawn = np.random.default_rng(0), contents(megapixels)
    logits = chance.normal(0, 1.5, (rows, len(CATEGORIES))).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    best, sure = shares.argmax(axis=1), shares.max(axis=1)
    order = np.argsort(sure)
    real = {int(row) for row in order[:first]}
    largest = int(np.bincount(best).argmax())
    for category in range(len(CATEGORIES)):
        real |= {int(row) for row in order[best[order] == category][: first if category == largest else GRID]}
    made: list[tuple[ImageId, Path, os.stat_result]] = []
    for row in range(rows):
        name = Path("_review", CATEGORIES[best[row]], f"{row:06}.jpg")
        data = (drawn[row % DRAWN] + row.to_bytes(8, "big")) if row in real else row.to_bytes(8, "big")
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_bytes(data)
        made.append((ImageId(hashlib.sha256(data).hexdigest()), name, (library / name).stat()))
    write_catalog(library, bundle, made, logits, sure=sure, best=best)
    return library


def write_catalog(
    library: Path,
    bundle: Path,
    made: Sequence[tuple[ImageId, Path, os.stat_result]],
    logits: Any,
    *,
    sure: Any,
    best: Any,
) -> None:
    """The rows as a sort leaves them."""
    model = prediction_key(**MODEL, novelty_sha256="")
    with open_catalog(library) as catalog:
        run = runs.begin(
            catalog, kind="sort", crawl=Path("/crawl"), mode="link", model=model, bundle=bundle, settings={}
        )
        with catalog.transaction() as connection:
            connection.executemany(
                "INSERT INTO pictures VALUES (?, ?, 1400, 1400, 0)", ((i, s.st_size) for i, _, s in made)
            )
            connection.executemany(
                "INSERT INTO places VALUES (?, ?, 'link', ?, ?, ?, ?, ?)",
                (
                    (i, to_bytes(path), to_bytes(Path("/crawl") / path.name), s.st_size, *_marks(s))
                    for i, path, s in made
                ),
            )
            answers = zip((i for i, *_ in made), logits_as_bytes(logits), [None] * len(made), strict=True)
            add_many_logits(catalog, answers, model=model)
        decisions.save(catalog, [_decision(i, CATEGORIES[best[n]], sure[n]) for n, (i, *_) in enumerate(made)], run=1)
        runs.finish(catalog, run, {})


def _marks(status: os.stat_result) -> tuple[int, str, str]:
    return time_of(status), str(status.st_ino), str(status.st_dev)


def _decision(picture: ImageId, category: str, sure: float, threshold: float = 0.9) -> Decision:
    reason = Reason.of(ReasonCode.BELOW_THRESHOLD, threshold=threshold, top=[[category, round(float(sure), 2)]])
    return Decision(image_id=picture, action=Action.REVIEW, category=category, confidence=float(sure), reason=reason)


def keep_writing(library: Path, stop: Any) -> None:
    """What a sort does to the catalog while it works: 256 decisions at a time, over and over."""
    with open_catalog(library) as catalog:
        query = "SELECT picture, category, confidence FROM decisions ORDER BY confidence DESC LIMIT 2560"
        rows = catalog.connection.execute(query).fetchall()
        while not stop.wait(0.5):
            part = random.sample(rows, 256)
            decisions.save(catalog, [_decision(*row, threshold=random.random()) for row in part], run=1)


@contextmanager
def a_sort_beside(library: Path) -> Iterator[None]:
    """Another process writes the catalog meanwhile."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=keep_writing, args=(library, stop))
    process.start()
    time.sleep(1)
    try:
        yield
    finally:
        stop.set()
        process.join()


@contextmanager
def served(library: Path) -> Iterator[tuple[str, float]]:
    """The address of a fresh server, and the seconds until it was printed."""
    started = time.perf_counter()
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    command = [sys.executable, "-m", "classifier", "review", str(library), "--no-open", "--token", "opened many times"]
    with subprocess.Popen(command, **pipes) as process:
        address = next(iter(process.stdout or ())).removeprefix("review: ").strip()
        try:
            yield address, time.perf_counter() - started
        finally:
            process.terminate()


@contextmanager
def shown(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened anew as in a fresh browser."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(address)
    page.evaluate("performance.setResourceTimingBufferSize(100000)")
    page.wait_for_selector(".stage img")
    page.evaluate(SHOWN)
    yield page
    page.context.close()


def singly(page: Page, keys: int) -> tuple[list[float], list[float]]:
    """Milliseconds from a key to the next picture, and from an answer to its being saved."""
    took = []
    for number in range(keys):
        time.sleep(1 / KEYS_A_SECOND)
        took.append(page.evaluate(PRESS, [str(number % 10), ".stage img"])[0])
    return took, page.evaluate(SAVED)


def by_sixties(page: Page, pages: int) -> tuple[list[float], list[float]]:
    """Milliseconds from Enter to the next sixty pictures, and from sixty answers to their being saved."""
    page.evaluate("performance.clearResourceTimings()")
    took = []
    for _ in range(pages):
        time.sleep(LOOKING_S)
        milliseconds, cells = page.evaluate(PRESS, ["Enter", ".cell img"])
        if cells == GRID:
            took.append(milliseconds)
    return took, page.evaluate(SAVED)


def measure(library: Path, browser: Browser, *, keys: int, pages: int) -> list[tuple[str, str]]:
    """The rows of the table."""
    rows = []
    with served(library) as (address, seconds), shown(browser, address) as page:
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        rows += [("command to address printed", f"{seconds:.2f} s"), ("first contentful paint", f"{paint:.0f} ms")]
        first, cells = page.evaluate(PRESS, ["g", ".cell img"])
        rows.append((f"first grid of {cells}, asked for at once: no thumbnail is there", f"{first:.0f} ms"))
    with served(library) as (address, _), shown(browser, address) as page:
        rows += _told("alone", singly(page, keys))
        first, cells = page.evaluate(PRESS, ["g", ".cell img"])
        rows.append((f"first grid of {cells}, after the pictures seen singly", f"{first:.0f} ms"))
        rows += _told("alone", by_sixties(page, pages), of="grid page of 60")
    with served(library) as (address, _), shown(browser, address) as page, a_sort_beside(library):
        rows += _told("beside a sort", singly(page, keys))
        page.evaluate(PRESS, ["g", ".cell img"])
        rows += _told("beside a sort", by_sixties(page, pages), of="grid page of 60")
    return rows


def _told(
    when: str, measured: tuple[list[float], list[float]], of: str = "key to next picture"
) -> list[tuple[str, str]]:
    what = ("one answer saved", of) if of.startswith("key") else ("60 answers saved", "Enter to the next 60")
    return [
        (f"{of if of.startswith('key') else what[1]}, {when}", _spread(measured[0])),
        (f"{what[0]}, {when}", _spread(measured[1])),
    ]


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    highest = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"median {statistics.median(ordered):.1f} ms, 95th percentile {highest:.1f} ms ({len(ordered)})"


def main() -> None:
    """Make the library where it is not there yet, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=150)
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--megapixels", type=float, default=1.9)
    parser.add_argument("--folder", type=Path, help="Keep the library here, and measure one that is here already.")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(prefix="review-") as temporary, sync_playwright() as started:
        folder = args.folder or Path(temporary)
        if not (folder / "sorted").exists():
            first = 2 * max(args.keys, (args.pages + 2) * GRID) + GRID
            make_library(folder, rows=args.rows, first=first, megapixels=args.megapixels)
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rows = measure(folder / "sorted", browser, keys=args.keys, pages=args.pages)
        browser.close()
    print("\n".join(["| what | measured |", "| --- | --- |", *(f"| {what} | {value} |" for what, value in rows)]))


if __name__ == "__main__":
    main()
