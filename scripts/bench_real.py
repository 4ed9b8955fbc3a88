"""Trains and sorts real pictures as a person would, and compares with their labels.

    python scripts/bench_real.py accuracy [--sets series kinds] [--labels 20] [--draws 2]
    python scripts/bench_real.py sort

`accuracy`: some labels a category are drawn (seeded), the rest is the crawl; accuracy of the best guess, coverage and
calibration, for the head alone and after fine-tuning. `sort`: `kinds` with its rest mixed with `other` and `odd`; what
was filed at 0.9, how much of it right, and where everything else went. Reads ../shared/data, or --data.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifier.catalogue.journal import to_path
from classifier.catalogue.store import read_catalogue
from classifier.cli.terminal import TerminalProgress
from classifier.learn.evaluate import calibration_error, coverage_at
from classifier.learn.recipe import learn
from classifier.settings import load
from classifier.sort.run import sort

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Some labels as a CSV, and the rest as a folder of hard links."""

    labels_csv: Path
    crawl: Path
    truth: dict[str, str]
    """Category by file name in the crawl."""


def draw(source: Path, folder: Path, *, per_category: int, seed: int) -> Draw:
    """Label `per_category` pictures of each category of `source`; everything else becomes the crawl."""
    folder.mkdir(parents=True)
    crawl, truth, labels = folder / "crawl", {}, []
    crawl.mkdir()
    for category in sorted(path for path in source.iterdir() if path.is_dir()):
        files = sorted(category.iterdir())
        random.Random(f"{seed} {category.name}").shuffle(files)
        labels += [(file.relative_to(source).as_posix(), category.name) for file in files[:per_category]]
        for file in files[per_category:]:
            name = f"{category.name}-{file.name}"
            link(file, crawl / name)
            truth[name] = category.name
    labels_csv = folder / "labels.csv"
    with labels_csv.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file_name", "label"), *labels])
    return Draw(labels_csv=labels_csv, crawl=crawl, truth=truth)


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
        [f"labels.folder={source}", f"labels.csv={drawn.labels_csv}", f"model.folder={bundle}", *overrides],
    )
    learn(settings, progress=TerminalProgress())
    return time.monotonic() - started


def answers(library: Path, truth: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence, and whether the best guess is right, of every picture with a known truth."""
    with read_catalogue(library) as catalogue:
        rows = catalogue.connection.execute(
            "SELECT files.path, decisions.category, decisions.confidence FROM files "
            "JOIN decisions ON decisions.picture = files.picture"
        ).fetchall()
    known = [(truth[name], guess, sure) for path, guess, sure in rows if (name := to_path(path).name) in truth]
    return np.array([sure for *_, sure in known]), np.array([right == guess for right, guess, _ in known])


def accuracy(args: argparse.Namespace, work: Path) -> None:
    """Both recipes on every set and draw, as a table."""
    print("| set | draw | recipe | accuracy | coverage at 5% error | at 10% | ECE | training s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in args.sets:
        source = args.data / name
        for seed in range(args.draws):
            drawn = draw(source, work / f"{name}-{seed}", per_category=args.labels, seed=seed)
            for recipe in args.recipes:
                bundle = work / f"{name}-{seed}" / recipe
                seconds = train(source, drawn, bundle, f"train.recipe={recipe}", f"train.seed={seed}", *args.set)
                library = work / f"{name}-{seed}" / f"sorted-{recipe}"
                sort(drawn.crawl, library=library, bundle=bundle, settings=load(None), progress=TerminalProgress())
                sure, right = answers(library, drawn.truth)
                print(
                    f"| {name} | {seed} | {recipe} | {right.mean():.3f} | {coverage_at(0.05, sure, right).share:.2f} | "
                    f"{coverage_at(0.10, sure, right).share:.2f} | {calibration_error(sure, right):.3f} | "
                    f"{seconds:.0f} |",
                    flush=True,
                )


def sort_mixed(args: argparse.Namespace, work: Path) -> None:
    """`kinds` with 20 labels a category, its rest mixed with `other` and `odd`."""
    source = args.data / "kinds"
    drawn = draw(source, work / "mixed", per_category=args.labels, seed=0)
    for extra in ("other", "odd"):
        for file in sorted((args.data / extra).iterdir()):
            link(file, drawn.crawl / f"{extra}-{file.name}")
    train(source, drawn, work / "bundle", *args.set)
    library = work / "sorted"
    summary = sort(
        drawn.crawl,
        library=library,
        bundle=work / "bundle",
        settings=load(None),
        threshold=0.9,
        progress=TerminalProgress(),
    )
    again = sort(drawn.crawl, library=library, bundle=None, settings=load(None), threshold=0.9)
    _report(library, drawn, summary, again)


def _report(library: Path, drawn: Draw, summary: dict[str, Any], again: dict[str, Any]) -> None:
    files = [path for path in drawn.crawl.rglob("*") if path.is_file()]
    print({key: value for key, value in summary.items() if key != "categories"})
    total = summary["filed"] + summary["review"] + summary["broken"] + summary["duplicates"]
    print(
        f"filed + review + broken + duplicates = {total}; pictures found = {summary['pictures']} of {len(files)} files"
    )
    same = all(again[key] == summary[key] for key in ("filed", "review", "broken", "duplicates"))
    print(f"second run: {again['seconds']} s, the same totals: {same}")
    with read_catalogue(library) as catalogue:
        rows = catalogue.connection.execute(
            "SELECT places.source, decisions.action, decisions.category FROM places "
            "JOIN decisions ON decisions.picture = places.picture"
        ).fetchall()
    where: Counter[tuple[str, str]] = Counter()
    right = 0
    for path, action, category in rows:
        name = to_path(path).name
        group = "kinds" if name in drawn.truth else name.partition("-")[0]
        where[group, action] += 1
        right += action == "file" and drawn.truth.get(name) == category
    print("where each part went:", dict(sorted(where.items())))
    filed = where["kinds", "file"]
    share = filed / (filed + where["kinds", "review"])
    print(f"kinds: {share:.3f} filed at 0.9, {right / filed:.4f} of those right ({right} of {filed})")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("accuracy", "sort"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=["series", "kinds"])
    parser.add_argument("--recipes", nargs="+", default=["head", "finetune"])
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="illsort-bench-", dir=args.data.parent.parent))
    try:
        {"accuracy": accuracy, "sort": sort_mixed}[args.what](args, work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
