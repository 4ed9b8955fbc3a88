"""The demo: draw, label a tenth, train, sort the rest, and compare with what was drawn."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from classifier.catalog.connection import read_catalog
from classifier.catalog.decisions import placed_sources
from classifier.demo.draw import KINDS, draw
from classifier.errors import LibraryError, Message
from classifier.progress import Progress
from classifier.settings import LabelSettings, ModelSettings, Settings, TrainSettings
from classifier.sort.pipeline import sort
from classifier.training.pipeline import train_model

IMAGES_PER_KIND = 60
LABELS_PER_KIND = 6
DUPLICATES = 3
TWO_IN_ONE = 6
_SEED = 2026


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The result."""

    folder: Path
    library: Path
    summary: dict[str, Any]
    filed_right: int
    two_in_one_filed: int
    """Of the pictures that show two kinds at once, so that no category is right."""
    seconds: float


def demo(folder: Path, *, progress: Progress) -> DemoResult:
    """Draw into `folder` (which must be new or empty), train, sort, and count what was filed right.

    Raises LibraryError when `folder` holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LibraryError("--folder {folder}: is not empty; give the demo a new folder", folder=folder)
    started = time.monotonic()
    truth = _draw_all(folder, progress)
    settings = Settings(
        labels=LabelSettings(folder=folder / "labels"),
        model=ModelSettings(folder=folder / "model"),
        train=TrainSettings(recipe="finetune", folds=1),  # it is to be over soon, and 30 labels promise nothing anyway
    )
    bundle = train_model(settings, progress=progress).bundle
    library = folder / "sorted"
    summary = sort(folder / "crawl", library=library, bundle=bundle.folder, settings=settings, progress=progress)
    with read_catalog(library) as catalog:
        filed = [(truth.get(source.name, ""), category) for source, category in placed_sources(catalog)]
    return DemoResult(
        folder=folder,
        library=library,
        summary=summary,
        filed_right=sum(kind == category for kind, category in filed),
        two_in_one_filed=sum(kind == "" for kind, _ in filed),
        seconds=time.monotonic() - started,
    )


def drawn_kinds() -> list[tuple[str, int]]:
    """The kind of each picture and its number of that kind, in the order of the files' names from 10000 on."""
    jobs = [(kind, number) for kind in KINDS for number in range(IMAGES_PER_KIND)]
    random.Random(_SEED).shuffle(jobs)  # noqa: S311 - a repeatable draw, not a secret
    return jobs


def _draw_all(folder: Path, progress: Progress) -> dict[str, str]:
    """Draw labels and crawl; returns the true category of each file of the crawl, by name."""
    jobs = drawn_kinds()
    crawl, truth = folder / "crawl", {}
    with progress.stage(Message("drawing pictures"), total=len(jobs), unit="picture") as stage:
        for post, (kind, number) in enumerate(jobs, start=10_000):
            labeled = number < LABELS_PER_KIND
            name = f"{post}.{('jpg', 'png', 'webp')[post % 3]}"
            target = folder / "labels" / kind / name if labeled else crawl / name
            target.parent.mkdir(parents=True, exist_ok=True)
            draw(kind, number).save(target, quality=90)
            if not labeled:
                truth[name] = kind
            stage.advance()
    _add_odd_files(crawl, list(truth))
    return truth


def _add_odd_files(crawl: Path, names: list[str]) -> None:
    """Add pictures of two kinds at once, duplicates, an HTML page named .jpg and a truncated file."""
    kinds = list(KINDS)
    for number in range(TWO_IN_ONE):
        left, right = (
            draw(kinds[number % len(kinds)], 900 + number),
            draw(kinds[(number + 2) % len(kinds)], 900 + number),
        )
        both = Image.new("RGB", (2 * left.width, left.height))
        both.paste(left)
        both.paste(right.resize(left.size), (left.width, 0))
        both.save(crawl / f"{20_000 + number}.png")
    again = crawl / "again"
    again.mkdir()
    for name in names[:DUPLICATES]:
        (again / name).write_bytes((crawl / name).read_bytes())
    (crawl / "30000.jpg").write_text("<html>404 not found</html>", encoding="utf-8")
    whole = (crawl / next(name for name in names if name.endswith("jpg"))).read_bytes()
    (crawl / "30001.jpg").write_bytes(whole[: len(whole) // 2])
