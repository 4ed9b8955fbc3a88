"""What a share of questions drawn by chance buys, and what it costs, with a head on frozen features.

    python scripts/bench_chance.py [--sets kinds series] [--draws 20] [--shares 0 0.1 0.2 0.3 0.5] [--keep FOLDER]

A person labels half of a set (at most 1,500 pictures) as `illsort label` shows it, and knows every answer: a grid of
what looks alike, or of what is guessed to be of one category, is named by what most of it is, the others are left; then
as many pictures as the share asks for are drawn by chance, in one random order; with a share of 1 no grid is named.
After 300 and 600 answers a head is fitted to all of them; the beginning of the random order is the evidence, with what
grids had named of it, cross-fitted in 5 parts; the other half of the set is the crawl. `evidence`: pictures that the
guarantee rests on. `least`: median rate that --best takes where 1% is asked, with the draws in which there was one.
`kept`: draws of those with at most that share wrong among the filed. Then the share of the crawl filed at that rate,
and at 5 and 10% asked (0 where not promised), with the draws promised and broken. Near-duplicates are left out. --keep
holds the features between calls.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench_promise import DATA, PARTS, Embedded, embedded
from sklearn.linear_model import LogisticRegression

from classifier.active.query_strategy import Clusters, cluster
from classifier.errors import NoGuarantee
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.combined_head import fit_combined_head
from classifier.model.head import fit_pca
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.model.risk_control import guarantee_risk, least_rate
from classifier.records import ImageId, Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANSWERS = (300, 600)
ASKED = (0.05, 0.10)
GRID, LARGE, SURE, LEAST = 60, 8, 0.5, 5


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Rows that a person named, in the order of their answers, and the beginning of the random order."""

    rows: NDArray[np.int64]
    drawn: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one draw came to; `asked` has promised, filed and wrong for each rate of ASKED."""

    evidence: int
    accuracy: float
    least: float | None
    filed: float
    wrong: float
    asked: tuple[tuple[bool, float, float], ...]


class Person:
    """Names what grids show, and what is drawn by chance."""

    def __init__(
        self, pictures: Embedded, rows: NDArray[np.int64], *, share: float, seed: int, is_steered: bool
    ) -> None:
        self.is_steered = is_steered
        self.rows, self.targets = rows, pictures.targets[rows]
        self.short = fit_pca(pictures.embeddings[rows], width=64)(pictures.embeddings[rows])
        self.clusters: Clusters = cluster(self.short, size=30, most=200, seed=seed).largest_first()
        self.order = np.random.default_rng(seed + 1000).permutation(len(rows)).tolist()
        self.odds = share / (1 - share) if share < 1 else np.inf
        self.named: list[int] = []
        self.in_grids: list[int] = []
        self.is_named = np.zeros(len(rows), dtype=bool)
        self.picked, self.asked, self.front = 0, 0, 0
        self.passed: set[tuple[str, int]] = set()

    def answer(self, most: int) -> Answered:
        """Answer until so many pictures are named."""
        while len(self.named) < most:
            before = len(self.named)
            if np.isfinite(self.odds):
                self._name(self._grid(), most)
            else:
                self.picked = 1
            while self.asked < self.odds * self.picked and len(self.named) < most:
                self._ask()
            if len(self.named) == before and not self.odds:
                self.passed.clear()
        return Answered(rows=self.rows[self.named], drawn=frozenset(self.rows[self.order[: self.front]].tolist()))

    def _name(self, shown: NDArray[np.int64], most: int) -> None:
        if len(shown):
            name = np.bincount(self.targets[shown]).argmax()
            taken = shown[self.targets[shown] == name][: most - len(self.named)].tolist()
            self.named += taken
            self.in_grids += taken
            self.is_named[taken] = True
            self.picked += len(taken)

    def _ask(self) -> None:
        """Name the next in the random order that nobody named."""
        while self.is_named[self.order[self.front]]:
            self.front += 1
        row = self.order[self.front]
        self.named.append(row)
        self.is_named[row] = True
        self.asked, self.front = self.asked + 1, self.front + 1

    def _grid(self) -> NDArray[np.int64]:
        """The next grid, as the page orders them: large clusters without a name, guesses, other clusters."""
        sizes = np.bincount(self.clusters.ids[~self.is_named], minlength=len(self.clusters.centers))
        touched = set(self.clusters.ids[self.is_named].tolist())
        clusters = [number for number in range(len(sizes)) if sizes[number] and ("look", number) not in self.passed]
        untouched = [number for number in clusters if number not in touched and sizes[number] >= LARGE]
        guessed, sure = self._guesses()
        waits = ~self.is_named & (sure >= SURE)
        counts = np.bincount(guessed[waits], minlength=1)
        kinds = [int(kind) for kind in np.argsort(-counts) if counts[kind] and ("kind", int(kind)) not in self.passed]
        if not untouched and kinds:
            found = np.flatnonzero(waits & (guessed == kinds[0]))
            self.passed.add(("kind", kinds[0]))
            return found[np.argsort(-sure[found])][:GRID]
        self.passed -= {key for key in self.passed if key[0] == "kind"}
        if not clusters:
            self.passed.clear()
            return np.empty(0, dtype=np.int64)
        chosen = (untouched or clusters)[0]
        self.passed.add(("look", chosen))
        found = np.flatnonzero(~self.is_named & (self.clusters.ids == chosen))
        return found[np.argsort(-self.clusters.closeness[found])][:GRID]

    def _guesses(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What a head takes each picture for, and how surely; nothing before two categories have labels.

        As beside the page, what was drawn by chance does not steer the grids, unless asked otherwise.
        """
        steering = self.named if self.is_steered else self.in_grids
        targets = self.targets[steering]
        known = np.flatnonzero(np.bincount(targets, minlength=1) >= LEAST)
        if len(known) < 2:  # noqa: PLR2004 - nothing to tell apart
            return np.zeros(len(self.rows), np.int64), np.zeros(len(self.rows))
        kept = [row for row, target in zip(steering, targets, strict=True) if target in known]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            head = LogisticRegression(C=0.1, max_iter=100).fit(self.short[kept], self.targets[kept])
        shares = head.predict_proba(self.short)
        return head.classes_[shares.argmax(axis=1)], shares.max(axis=1)


def fitted(pictures: Embedded, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits of `others` by a head fitted to `rows`; of a category without a label they are out of reach."""
    present, targets = np.unique(pictures.targets[rows], return_inverse=True)
    head = fit_combined_head(pictures.embeddings[rows], pictures.stats[rows], targets)
    found = head(pictures.embeddings[others], pictures.stats[others])
    logits = np.full((len(others), len(pictures.categories)), found.min() - 30, np.float32)
    logits[:, present] = found
    return logits


def evidence_of(pictures: Embedded, answered: Answered, seed: int) -> HoldoutPredictions:
    """What heads that did not see them say of the answered pictures."""
    rows = np.sort(answered.rows)
    part_of = np.random.default_rng(seed).permutation(len(rows)) % PARTS
    logits = np.zeros((len(rows), len(pictures.categories)), np.float32)
    for part in range(PARTS):
        logits[part_of == part] = fitted(pictures, rows[part_of != part], rows[part_of == part])
    ids = tuple(ImageId(pictures.pictures[row]) for row in rows)
    return HoldoutPredictions(
        logits=logits,
        targets=pictures.targets[rows],
        groups=np.arange(len(rows)),
        image_ids=ids,
        paths=ids,
        method=HoldoutMethod(PARTS),
        selections=tuple(Selection.RANDOM if row in answered.drawn else Selection.GRID for row in rows.tolist()),
    )


def judged(pictures: Embedded, answered: Answered, crawl: NDArray[np.int64], seed: int) -> Result:
    """The guarantee that these answers give, and what it files of the crawl."""
    evidence = evidence_of(pictures, answered, seed)
    temperature = fit_temperature(evidence.logits, evidence.targets)
    shares = probabilities(fitted(pictures, np.sort(answered.rows), crawl), temperature)
    is_right = shares.argmax(axis=1) == pictures.targets[crawl]

    def filed(rate: float) -> tuple[bool, float, float]:
        try:
            by = guarantee_risk(evidence, categories=pictures.categories, temperature=temperature, max_error=rate)
        except NoGuarantee:
            return False, 0.0, 0.0
        bars = np.array([2.0 if bar is None else bar for bar in by.thresholds])
        taken = shares.max(axis=1) >= bars[shares.argmax(axis=1)]
        return True, float(taken.mean()), float((~is_right[taken]).mean()) if taken.any() else 0.0

    rate = least_rate(evidence, categories=pictures.categories, temperature=temperature, max_error=0.01)
    _, share, wrong = (False, 0.0, 0.0) if rate is None else filed(rate)
    return Result(
        evidence=len(evidence.by_chance),
        accuracy=float(is_right.mean()),
        least=rate,
        filed=share,
        wrong=wrong,
        asked=tuple(filed(asked) for asked in ASKED),
    )


def tried(pictures: Embedded, *, share: float, seed: int, is_steered: bool) -> list[Result]:
    """One draw: after each number of answers."""
    rows = np.random.default_rng(seed).permutation(len(pictures.targets))
    half = min(len(rows) // 2, 1500)
    person = Person(pictures, np.sort(rows[:half]), share=share, seed=seed, is_steered=is_steered)
    return [judged(pictures, person.answer(count), np.sort(rows[half:]), seed) for count in ANSWERS]


def line(results: list[Result]) -> str:
    """A row of the table."""
    rates = [one for one in results if one.least is not None]
    least = f"{np.median([one.least for one in rates if one.least]):.3g} ({len(rates)})" if rates else "none"
    kept = sum(one.wrong <= (one.least or 0) for one in rates)
    columns = [
        f"{np.mean([one.evidence for one in results]):.0f}",
        f"{np.mean([one.accuracy for one in results]):.3f}",
        least,
        f"{kept} of {len(rates)}",
        f"{np.mean([one.filed for one in results]):.2f}",
    ]
    for number, rate in enumerate(ASKED):
        at = [one.asked[number] for one in results]
        broken = sum(wrong > rate for _, _, wrong in at)
        columns.append(f"{np.mean([filed for _, filed, _ in at]):.2f} ({sum(is_made for is_made, *_ in at)}, {broken})")
    return " | ".join(columns)


def kept_or_embedded(folder: Path, keep: Path | None) -> Embedded:
    """The features of a set, from the file of an earlier call where there is one."""
    path = None if keep is None else keep / f"{folder.name}.npz"
    if path is not None and path.exists():
        with np.load(path) as arrays:
            ids, names = (tuple(map(str, arrays[name])) for name in ("pictures", "categories"))
            return Embedded(
                embeddings=arrays["embeddings"],
                stats=arrays["stats"],
                targets=arrays["targets"],
                pictures=tuple(map(ImageId, ids)),
                categories=names,
            )
    pictures = embedded(folder)
    if path is not None:
        names = ("embeddings", "stats", "targets", "pictures", "categories")
        np.savez(path, **{name: np.array(getattr(pictures, name)) for name in names})
    return pictures


def main() -> None:
    """Print a row for each set, share and number of answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=["kinds", "series"])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.0, 0.1, 0.2, 0.3, 0.5])
    parser.add_argument("--steered", action="store_true", help="What was drawn by chance steers the grids too.")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    print("| set | answers | share | evidence | accuracy | least | kept | filed | at 5% | at 10% |")
    print("| --- " * 10 + "|")
    for name in asked.sets:
        pictures = kept_or_embedded(asked.data / name, asked.keep)
        for share in asked.shares:
            draws = [tried(pictures, share=share, seed=seed, is_steered=asked.steered) for seed in range(asked.draws)]
            for answers, results in zip(ANSWERS, zip(*draws, strict=True), strict=True):
                print(f"| {name} | {answers} | {share:.0%} | {line(list(results))} |", flush=True)


if __name__ == "__main__":
    main()
