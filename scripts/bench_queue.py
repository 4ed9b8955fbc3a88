"""What answers are worth in the order of the queue beside answers in random order, by an oracle; and keystrokes.

    python scripts/bench_queue.py [--sets series kinds] [--labels 10] [--draws 3]

Of each set two fifths are held out to measure on. Some pictures a category are labeled, and of the rest an oracle
answers: in the order of the review page, which is made anew after every 25 answers, in the order of uncertainty alone,
and at random. Each row: accuracy on what is held out, and coverage at 5% error with the ranking known in hindsight,
means of the draws. Then the keystrokes that it takes to clear all that the first head says: one key a picture one by
one; in grids of 60, one key to confirm each and, by mouse or by arrows, what it takes to mark the wrong ones, which are
answered one by one afterwards. Heads on frozen features. Reads ../shared/data, or --data.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench_promise import DATA, Embedded, embedded

from classifier.active.query_strategy import margin_order
from classifier.model.calibration import probabilities
from classifier.model.head import fit_head
from classifier.training.metrics import coverage_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Ask = Callable[[NDArray[np.float32], NDArray[np.float64], int], NDArray[np.int64]]

STEP = 25
STOPS = (0, 100, 200, 250, 400)
GRID, COLUMNS = 60, 10


def by_chance(embeddings: NDArray[np.float32], _: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Any picture as likely."""
    return np.random.default_rng(seed).permutation(len(embeddings))


def by_margin(_: NDArray[np.float32], shares: NDArray[np.float64], __: int) -> NDArray[np.int64]:
    """The least sure first."""
    two = np.partition(shares, -2, axis=1)[:, -2:]
    return np.argsort(two[:, 1] - two[:, 0], kind="stable")


def by_queue(embeddings: NDArray[np.float32], shares: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """As the review page asks."""
    return margin_order(embeddings, shares, seed=seed)


ORDERS: dict[str, Ask] = {"queue": by_queue, "uncertainty": by_margin, "random": by_chance}


def parted(pictures: Embedded, *, labels: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that are labeled in the beginning, and rows that are held out."""
    shuffled = np.random.default_rng(seed).permutation(len(pictures.targets))
    held_out, rest = np.split(shuffled, [len(shuffled) * 2 // 5])
    kinds = range(len(pictures.categories))
    first = [rest[pictures.targets[rest] == kind][:labels] for kind in kinds]
    return np.concatenate(first), held_out


def answered(pictures: Embedded, ask: Ask, *, labels: int, seed: int) -> list[tuple[float, float]]:
    """Accuracy and coverage at each stop."""
    known, held_out = parted(pictures, labels=labels, seed=seed)
    pool = np.setdiff1d(np.arange(len(pictures.targets)), np.concatenate([known, held_out]))
    reached = []
    for number in range(0, STOPS[-1] + 1, STEP):
        head = fit_head(pictures.embeddings[known], pictures.targets[known])
        if number in STOPS:
            reached.append(judged(pictures, probabilities(head(pictures.embeddings[held_out]), 1.0), held_out))
        shares = probabilities(head(pictures.embeddings[pool]), 1.0)
        asked = ask(pictures.embeddings[pool], shares, seed + number)[:STEP]
        known, pool = np.concatenate([known, pool[asked]]), np.delete(pool, asked)
    return reached


def judged(pictures: Embedded, shares: NDArray[np.float64], rows: NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy, and coverage at 5% error."""
    right = shares.argmax(axis=1) == pictures.targets[rows]
    return float(right.mean()), coverage_at(0.05, shares.max(axis=1), right).share


def keystrokes(pictures: Embedded, *, labels: int, seed: int) -> tuple[int, int, int]:
    """To clear all but the labels: one by one, in grids with the mouse, in grids with arrows."""
    known, _ = parted(pictures, labels=labels, seed=seed)
    rows = np.setdiff1d(np.arange(len(pictures.targets)), known)
    head = fit_head(pictures.embeddings[known], pictures.targets[known])
    shares = probabilities(head(pictures.embeddings[rows]), 1.0)
    guesses, sure = shares.argmax(axis=1), shares.max(axis=1)
    mouse = arrows = 0
    for kind in range(len(pictures.categories)):
        members = np.flatnonzero(guesses == kind)
        members = members[np.argsort(sure[members], kind="stable")]
        for start in range(0, len(members), GRID):
            part = members[start : start + GRID]
            wrong = np.flatnonzero(pictures.targets[rows[part]] != kind)
            places = np.stack([wrong // COLUMNS, wrong % COLUMNS], axis=1)
            way = np.abs(np.diff(places, axis=0, prepend=[[0, 0]])).sum() if len(wrong) else 0
            mouse += 1 + 2 * len(wrong)  # Enter; a click, and a key later on
            arrows += 1 + 2 * len(wrong) + int(way)
    return len(rows), mouse, arrows


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=["series", "kinds"])
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--draws", type=int, default=3)
    args = parser.parse_args()
    sets = {name: embedded(args.data / name) for name in args.sets}
    print("| set | order |", " | ".join(f"{stop} answers" for stop in STOPS), "|\n" + "| --- " * (2 + len(STOPS)) + "|")
    for name, pictures in sets.items():
        for title, ask in ORDERS.items():
            draws = [answered(pictures, ask, labels=args.labels, seed=1000 * draw) for draw in range(args.draws)]
            cells = [f"{accuracy:.3f}, {coverage:.2f}" for accuracy, coverage in np.mean(draws, axis=0)]
            print("|", name, "|", title, "|", " | ".join(cells), "|", flush=True)
    print("\n| set | pictures, one key each | grids, with the mouse | grids, with arrows |\n| --- | --- | --- | --- |")
    for name, pictures in sets.items():
        counts = np.mean([keystrokes(pictures, labels=args.labels, seed=1000 * n) for n in range(args.draws)], axis=0)
        print("|", name, "|", " | ".join(f"{count:,.0f}" for count in counts), "|", flush=True)


if __name__ == "__main__":
    main()
