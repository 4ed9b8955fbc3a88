"""How often `--max-error` keeps what it promises when the network is fine-tuned, by the commands as they are.

    python scripts/bench_promise_finetuned.py [--sets kinds series] [--labels 200] [--draws 20] [--side 128]

For each draw so many pictures, drawn at random, are the labels; the default recipe fine-tunes on them, and the rest of
the set is sorted at each rate; with `--learn-crawl` it is trained with that rest as its crawl. Near-duplicates are left
out, one of each group stays. Small views and few epochs, so that twenty draws take an hour and not a day: a promise
must hold however good the network is. `--set` passes further settings on. Reads ../shared/data, or --data.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from drawing import DATA, Draw, filings, link, name_of, train

from classifier.inference.device import choose_runtime
from classifier.inference.pipeline import open_pool
from classifier.inference.reader import limits_from
from classifier.labels.dataset import read_examples
from classifier.labels.load import read_labels
from classifier.labels.near_duplicates import group_near_duplicates
from classifier.progress import SilentProgress
from classifier.settings import ImageSettings, load
from classifier.sort.pipeline import sort
from classifier.training.dataset import read_in_workers
from classifier.training.near_duplicates import near_examples

RATES = (0.02, 0.05, 0.10)
PARTS = 3
TRIES = 1000


def different(folder: Path) -> list[Path]:
    """The readable pictures of `folder`, one of each group of near-duplicates."""
    images, silent = ImageSettings(), SilentProgress()
    with open_pool(choose_runtime(device="cpu", training=False), limits_from(images), silent) as pool:
        read = partial(read_in_workers, pool=pool, max_megapixels=images.max_megapixels)
        examples, _ = read_examples(read_labels(folder=folder, csv_file=None), read=read, progress=silent)
    numbers = group_near_duplicates(examples, near=near_examples(examples))
    return [examples[numbers.index(number)].label.path for number in sorted(set(numbers))]


def drawn(source: Path, files: list[Path], folder: Path, *, count: int, seed: int) -> Draw:
    """`count` of the files, drawn at random, as labels, and the rest as the crawl."""
    rng, kinds = np.random.default_rng(seed), sorted({file.parent.name for file in files})
    of = np.array([kinds.index(file.parent.name) for file in files])
    orders = (rng.permutation(len(files)) for _ in range(TRIES))
    # A category that cannot be in every part cannot be judged.
    order = next((one for one in orders if np.bincount(of[one[:count]], minlength=len(kinds)).min() >= PARTS), None)
    if order is None:
        sys.exit(f"{source.name}: no draw of {count} labels has {PARTS} of each category; take more --labels")
    crawl = folder / "crawl"
    crawl.mkdir(parents=True)
    for row in order[count:]:
        link(files[row], crawl / name_of(files[row]))
    labels_csv = folder / "labels.csv"
    with labels_csv.open("w", encoding="utf-8", newline="") as file:
        rows = [(files[row].relative_to(source).as_posix(), files[row].parent.name) for row in order[:count]]
        csv.writer(file).writerows([("file_name", "label"), *rows])
    truth = {name_of(files[row]): files[row].parent.name for row in order[count:]}
    return Draw(labels_csv=labels_csv, crawl=crawl, truth=truth)


def tried(source: Path, draw: Draw, folder: Path, *, overrides: list[str]) -> list[tuple[bool, float, float]]:
    """At each rate: whether it was promised, the share filed, and the share of those that is wrong."""
    train(source, draw, folder / "model", *overrides)
    results = []
    for rate in RATES:
        summary = sort(
            draw.crawl,
            library=folder / "sorted",
            bundle=folder / "model",
            settings=load(None, [one for one in overrides if one.startswith(("runtime.", "sort."))]),
            max_error=rate,
        )
        is_filed, is_right = filings(folder / "sorted", draw.truth)
        promised = "promise" in summary
        error = float((~is_right[is_filed]).mean()) if is_filed.any() and promised else 0.0
        results.append((promised, float(is_filed.mean()) if promised else 0.0, error))
    return results


def main() -> None:
    """Print a row for each set, number of labels and rate; each draw goes to the other output as it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=["kinds", "series"])
    parser.add_argument("--labels", nargs="+", type=int, default=[200])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    parser.add_argument("--learn-crawl", action="store_true", help="train with what is to be sorted, too")
    parser.add_argument("--side", type=int, default=128, help="of what the network sees, in pixels")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    args = parser.parse_args()
    print("| set | labels | rate | promised | kept | worst | coverage |\n" + "| --- " * 7 + "|", flush=True)
    for name in args.sets:
        work = Path(tempfile.mkdtemp(prefix="illsort-bench-", dir=args.data.parent.parent))
        try:
            files = different(args.data / name)
            for count in args.labels:
                seeds = range(args.first, args.first + args.draws)
                draws = [draw_once(name, files, work, count=count, seed=seed, args=args) for seed in seeds]
                for rate, results in zip(RATES, zip(*draws, strict=True), strict=True):
                    promised, kept = sum(one for one, *_ in results), sum(error <= rate for *_, error in results)
                    worst, coverage = max(error for *_, error in results), np.mean([share for _, share, _ in results])
                    cells = [name, count, f"{rate:.0%}", promised, f"{kept} of {len(results)}", f"{worst:.3f}"]
                    print("|", " | ".join(map(str, cells)), f"| {coverage:.3f} |", flush=True)
        finally:
            shutil.rmtree(work)


def draw_once(
    name: str, files: list[Path], work: Path, *, count: int, seed: int, args: argparse.Namespace
) -> list[tuple[bool, float, float]]:
    """One draw at each rate; its folder is removed."""
    folder, source = work / f"{count}-{seed}", args.data / name
    overrides = [f"model.image_size={args.side}", f"train.epochs={args.epochs}", f"train.seed={seed}"]
    draw = drawn(source, files, folder / "drawn", count=count, seed=seed)
    crawl = [f"train.unlabelled={draw.crawl}"] if args.learn_crawl else []
    results = tried(source, draw, folder, overrides=[*overrides, "labels.by_chance=true", *crawl, *args.set])
    print(name, count, seed, *(f"{p} {c:.3f} {e:.4f}" for p, c, e in results), file=sys.stderr, flush=True)
    shutil.rmtree(folder)
    return results


if __name__ == "__main__":
    main()
