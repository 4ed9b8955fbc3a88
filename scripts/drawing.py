"""What the benchmarks on real pictures share: labels drawn from a labeled set, training, and what a sort answered."""

from __future__ import annotations

import csv
import os
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.catalog.connection import read_catalog
from classifier.catalog.values import to_path
from classifier.cli.terminal import TerminalProgress
from classifier.records import Action
from classifier.settings import load
from classifier.training.pipeline import train_model

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Some labels as a CSV, and the rest as a folder of hard links."""

    labels_csv: Path
    crawl: Path
    truth: dict[str, str]
    """Category by file name in the crawl."""


def draw(source: Path, folder: Path, *, per_category: int | None, seed: int, wrong: float = 0.0) -> Draw:
    """Label `per_category` pictures of each category of `source` (None: half of them); the rest becomes the crawl.

    A share `wrong` of the labels, drawn too, name another category.
    """
    folder.mkdir(parents=True)
    crawl, truth, labels = folder / "crawl", {}, []
    crawl.mkdir()
    for category in sorted(path for path in source.iterdir() if path.is_dir()):
        files = sorted(category.iterdir())
        random.Random(f"{seed} {category.name}").shuffle(files)
        count = len(files) // 2 if per_category is None else per_category
        labels += [(file.relative_to(source).as_posix(), category.name) for file in files[:count]]
        for file in files[count:]:
            link(file, crawl / (name := name_of(file)))
            truth[name] = category.name
    labels_csv = folder / "labels.csv"
    with labels_csv.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file_name", "label"), *spoiled(labels, share=wrong, seed=seed)])
    return Draw(labels_csv=labels_csv, crawl=crawl, truth=truth)


def spoiled(labels: list[tuple[str, str]], *, share: float, seed: int) -> list[tuple[str, str]]:
    """The labels, of which a share name another category, each other one as likely."""
    rng, categories = random.Random(f"{seed} wrong"), sorted({category for _, category in labels})
    picked = set(rng.sample(range(len(labels)), round(share * len(labels))))
    return [
        (name, rng.choice([other for other in categories if other != category]) if number in picked else category)
        for number, (name, category) in enumerate(labels)
    ]


def whole(source: Path, folder: Path) -> Path:
    """All of `source` as one crawl, each file by the name it has in a draw; made once."""
    if not folder.exists():
        folder.mkdir(parents=True)
        for file in sorted(source.glob("*/*")):
            link(file, folder / name_of(file))
    return folder


def name_of(file: Path) -> str:
    """A file's name in the crawl."""
    return f"{file.parent.name}-{file.name}"


def link(file: Path, target: Path) -> None:
    """A hard link where the disk can, so that nothing is copied."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def train(source: Path, drawn: Draw, bundle: Path, *overrides: str) -> float:
    """Train into `bundle` as the command does; returns the seconds it took."""
    started = time.monotonic()
    settings = load(
        None,
        [
            f"labels.folder={source}",
            f"labels.csv={drawn.labels_csv}",
            f"model.folder={bundle}",
            "train.recipe=finetune",
            *overrides,
        ],
    )
    train_model(settings, progress=TerminalProgress())
    return time.monotonic() - started


def answers(library: Path, truth: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence, and whether the best guess is right, of every picture with a known truth."""
    rows = _decided(library, truth)
    return np.array([sure for *_, sure in rows]), np.array([right for _, right, _ in rows])


def filings(library: Path, truth: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Whether it was filed, and whether its category is right, of every picture with a known truth."""
    rows = _decided(library, truth)
    return np.array([action == Action.FILE for action, *_ in rows]), np.array([right for _, right, _ in rows])


def guesses(library: Path) -> dict[str, str]:
    """The best category of every picture, by file name."""
    return {name: guess for name, _, guess, _ in _named(library)}


def _decided(library: Path, truth: dict[str, str]) -> list[tuple[str, bool, float]]:
    """Action, whether the category is right, and the confidence."""
    return [(action, truth[name] == guess, sure) for name, action, guess, sure in _named(library) if name in truth]


def _named(library: Path) -> list[tuple[str, str, str, float]]:
    """File name, action, best category and confidence."""
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute(
            "SELECT files.path, decisions.action, decisions.category, decisions.confidence FROM files "
            "JOIN decisions ON decisions.picture = files.picture"
        ).fetchall()
    return [(to_path(path).name, *decided) for path, *decided in rows]
