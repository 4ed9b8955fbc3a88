"""How well pictures that are none of the categories are told from those that are, as a Markdown table.

    python scripts/bench_unknown.py [--known kinds] [--unknown other] [--labels 20] [--draws 3] [--max-error 0.02]

Each draw labels some pictures a category, trains as the command does, and sorts the rest mixed with pictures that
belong nowhere. AUROC: of the score, all unknown ones against all others. `known called unknown`, `unknown filed`: of
each, the share that went to _unknown, and the share that went into a category. Reads ../shared/data, or --data.
`--set train.recipe=head` leaves the fine-tuning out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
from drawing import DATA, draw, link, train
from sklearn.metrics import roc_auc_score

from classifier.catalog.connection import read_catalog
from classifier.catalog.values import to_path
from classifier.cli.terminal import TerminalProgress
from classifier.records import Action
from classifier.settings import load
from classifier.sort.pipeline import sort

MARK = "unknown-"
_SEEN = """
SELECT files.path, predictions.novelty, decisions.action FROM files
JOIN predictions ON predictions.picture = files.picture JOIN decisions ON decisions.picture = files.picture
"""


def measure(args: argparse.Namespace, work: Path, seed: int) -> str:
    """One draw, as a row."""
    source = args.data / args.known
    drawn = draw(source, work / str(seed), per_category=args.labels, seed=seed)
    for file in sorted((args.data / args.unknown).rglob("*")):
        if file.is_file() and file.suffix != ".md":
            link(file, drawn.crawl / f"{MARK}{file.parent.name}-{file.name}")
    bundle, library = work / str(seed) / "bundle", work / str(seed) / "sorted"
    train(source, drawn, bundle, f"train.seed={seed}", "labels.by_chance=true", *args.set)
    summary = sort(
        drawn.crawl,
        library=library,
        bundle=bundle,
        settings=load(None),
        max_error=args.max_error or None,
        progress=TerminalProgress(),
    )
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute(_SEEN).fetchall()
    is_unknown = np.array([to_path(path).name.startswith(MARK) for path, *_ in rows])
    actions = np.array([action for *_, action in rows])
    auroc = roc_auc_score(is_unknown, [novelty for _, novelty, _ in rows])
    shares = [
        (actions[who] == action).mean() for who in (~is_unknown, is_unknown) for action in (Action.UNKNOWN, Action.FILE)
    ]
    told = " | ".join(f"{share:.3f}" for share in shares)
    return f"| {args.known} | {args.unknown} | {seed} | {summary['pictures']} | {auroc:.4f} | {told} |"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--known", default="kinds")
    parser.add_argument("--unknown", default="other")
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--max-error", type=float, default=0.02, help="0: file by the threshold instead.")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="illsort-bench-", dir=args.data.parent.parent))
    print("| known | unknown | draw | pictures | AUROC | known called unknown | filed | unknown called so | filed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    try:
        for seed in range(args.draws):
            print(measure(args, work, seed), flush=True)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
