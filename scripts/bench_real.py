"""Trains on `kinds` and sorts its rest mixed with `other` and `odd`, as a person would, and compares with the labels.

    python scripts/bench_real.py [--labels 20] [--data ../shared/data]

What was filed at 0.9, how much of it right, and where everything else went.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from drawing import DATA, Draw, draw, link, train

from classifier.catalog.connection import read_catalog
from classifier.catalog.values import to_path
from classifier.cli.terminal import TerminalProgress
from classifier.settings import load
from classifier.sort.pipeline import sort


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
    total = sum(summary[key] for key in ("filed", "review", "unknown", "broken", "duplicates"))
    print(f"filed, review, unknown, broken and duplicates: {total}; found: {summary['pictures']} of {len(files)} files")
    same = all(again[key] == summary[key] for key in ("filed", "review", "unknown", "broken", "duplicates"))
    print(f"second run: {again['seconds']} s, the same totals: {same}")
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute(
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
    share = filed / sum(where["kinds", action] for action in ("file", "review", "unknown"))
    print(f"kinds: {share:.3f} filed at 0.9, {right / filed:.4f} of those right ({right} of {filed})")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="illsort-bench-", dir=args.data.parent.parent))
    try:
        sort_mixed(args, work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
