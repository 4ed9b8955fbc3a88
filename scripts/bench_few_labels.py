"""What very few, very uneven and very many labels come to, with a head on frozen features, as Markdown tables.

    python scripts/bench_few_labels.py [--sets kinds series] [--labels 2 5 10 20 50] [--draws 5] [--many 50000]

The first table: so many labels of each category; with `--rare` of one category so many and 100 times as many of each
other one; two categories; and those of all sets together. Heads cross-fitted in 5 parts (fewer where a category has
fewer) judge the labels, a head on all answers the rest of the set. `worst`: the recall of the category that is found
least. `seconds`: of the processor. `said`: the sentences of `illsort train` about labels that are too few, in the first
draw. The second table: seconds of the processor for labels drawn about 60 centers. Reads ../shared/data, or --data.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench_promise import DATA, Embedded, embedded
from sklearn.model_selection import StratifiedKFold

from classifier.cli.few_labels import too_few
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.ood import fit_ood
from classifier.training.metrics import as_dict, calibration_error, coverage_at, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PARTS = 5
_TIMES = 100


@dataclass(frozen=True, kw_only=True)
class Result:
    """One draw; shares 0..1 of the rest of the set, and the sentences about labels that are too few."""

    accuracy: float
    coverage: float
    calibration_error: float
    worst: float
    seconds: float
    said: tuple[str, ...]


def drawn(targets: NDArray[np.int64], counts: dict[int, int], *, seed: int) -> NDArray[np.int64]:
    """Rows of labels: of each category so many, at most three quarters of what it has."""
    order = np.random.default_rng(seed).permutation(len(targets))
    rows = []
    for category, count in counts.items():
        own = order[targets[order] == category]
        rows.append(own[: min(count, len(own) * 3 // 4)])
    return np.sort(np.concatenate(rows))


def judged(pictures: Embedded, rows: NDArray[np.int64], *, seed: int) -> NDArray[np.float32]:
    """Logits of the labels by heads that did not learn from them; as `kfold_split` has it for labels of one picture."""
    targets = pictures.targets[rows]
    logits = np.zeros((len(rows), len(pictures.categories)), np.float32)
    parts = min(_PARTS, int(np.bincount(targets).max()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        folds = list(StratifiedKFold(parts, shuffle=True, random_state=seed).split(rows, targets))
    for learned, held_out in folds:
        logits[held_out] = pictures.fitted(rows[learned], last_layer=False)(rows[held_out])
    return logits


def tried(pictures: Embedded, counts: dict[int, int], *, seed: int) -> Result:
    """One draw: judged by itself, and by the rest of the set."""
    rows, started = drawn(pictures.targets, counts, seed=seed), time.process_time()
    targets, rest = pictures.targets[rows], np.setdiff1d(np.arange(len(pictures.targets)), rows)
    logits = judged(pictures, rows, seed=seed)
    temperature = fit_temperature(logits, targets)
    paths = [Path(str(row)) for row in rows]
    figures = evaluate(probabilities(logits, temperature), targets, categories=pictures.categories, paths=paths)
    head = pictures.fitted(rows, last_layer=False)
    fit_ood(pictures.stats[rows], pictures.embeddings[rows], targets, np.arange(len(rows)))
    seconds = time.process_time() - started
    shares = probabilities(head(rest), temperature)
    sure, is_right = shares.max(axis=1), shares.argmax(axis=1) == pictures.targets[rest]
    recalls = [is_right[pictures.targets[rest] == category].mean() for category in counts]
    return Result(
        accuracy=float(is_right.mean()),
        coverage=coverage_at(0.05, sure, is_right).share,
        calibration_error=calibration_error(sure, is_right),
        worst=float(min(recalls)),
        seconds=seconds,
        said=tuple(too_few(as_dict(figures))),
    )


def some(pictures: Embedded, categories: NDArray[np.int64]) -> Embedded:
    """The pictures of some categories."""
    rows = np.flatnonzero(np.isin(pictures.targets, categories))
    return Embedded(
        embeddings=pictures.embeddings[rows],
        stats=pictures.stats[rows],
        targets=np.searchsorted(categories, pictures.targets[rows]),
        pictures=tuple(pictures.pictures[row] for row in rows),
        categories=tuple(pictures.categories[category] for category in categories),
    )


def together(sets: list[Embedded]) -> Embedded:
    """All sets as one."""
    before = np.cumsum([0, *(len(one.categories) for one in sets)])
    return Embedded(
        embeddings=np.concatenate([one.embeddings for one in sets]),
        stats=np.concatenate([one.stats for one in sets]),
        targets=np.concatenate([one.targets + start for one, start in zip(sets, before, strict=False)]),
        pictures=tuple(picture for one in sets for picture in one.pictures),
        categories=tuple(category for one in sets for category in one.categories),
    )


def cases(sets: dict[str, Embedded], asked: argparse.Namespace) -> Iterator[tuple[str, str, list[Result]]]:
    """Set, labels and the draws of each row."""
    draws = range(asked.draws)
    for name, pictures in sets.items():
        every = range(len(pictures.categories))
        for count in asked.labels:
            yield name, f"{count} of each", [tried(pictures, dict.fromkeys(every, count), seed=s) for s in draws]
        for count in asked.rare:
            uneven = [dict.fromkeys(every, count * _TIMES) | {s % len(every): count} for s in draws]
            yield name, f"{count}, else {count * _TIMES}", [tried(pictures, uneven[s], seed=s) for s in draws]
        pairs = [np.sort(np.random.default_rng(s).choice(len(every), 2, replace=False)) for s in draws]
        for count in asked.labels:
            two = [tried(some(pictures, pairs[s]), {0: count, 1: count}, seed=s) for s in draws]
            yield f"two of {name}", f"{count} of each", two
    whole = together(list(sets.values()))
    for count in asked.labels:
        counts = dict.fromkeys(range(len(whole.categories)), count)
        yield "all", f"{count} of each", [tried(whole, counts, seed=s) for s in draws]


def about_centers(count: int, *, categories: int = 60) -> Embedded:
    """Labels drawn about centers: good for the time they take, and for nothing else."""
    rng = np.random.default_rng(0)
    targets = np.arange(count) % categories
    embeddings = rng.standard_normal((count, 1280), dtype=np.float32)
    embeddings += rng.standard_normal((categories, 1280), dtype=np.float32)[targets]
    stats = rng.standard_normal((count, 352), dtype=np.float32)
    ids = tuple(str(number) for number in range(count))
    names = tuple(str(number) for number in range(categories))
    return Embedded(embeddings=embeddings, stats=stats, targets=targets, pictures=ids, categories=names)


def timed(count: int) -> str:
    """Seconds of the processor for one head, the folds and the detector of what is unknown, as a row."""
    pictures, rows = about_centers(count), np.arange(count)
    marks = [time.process_time()]
    pictures.fitted(rows, last_layer=False)
    marks.append(time.process_time())
    judged(pictures, rows, seed=0)
    marks.append(time.process_time())
    fit_ood(pictures.stats, pictures.embeddings, pictures.targets, rows)
    marks.append(time.process_time())
    return " | ".join([f"| {count:,}", *(f"{seconds:.1f}" for seconds in np.diff(marks))]) + " |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="*", default=["kinds", "series", "characters"])
    parser.add_argument("--labels", nargs="+", type=int, default=[2, 5, 10, 20, 50])
    parser.add_argument("--rare", nargs="*", type=int, default=[2])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--many", nargs="*", type=int, default=[5_000, 50_000])
    asked = parser.parse_args()
    sets = {name: embedded(asked.data / name) for name in asked.sets}
    print("| set | labels | accuracy | coverage at 5% error | ECE | worst | seconds | said |\n" + "| --- " * 8 + "|")
    for name, labels, draws in cases(sets, asked) if sets else ():
        means = np.mean([(d.accuracy, d.coverage, d.calibration_error, d.worst) for d in draws], axis=0)
        cells = " | ".join(f"{mean:.3f}" for mean in means)
        seconds = np.mean([d.seconds for d in draws])
        print(f"| {name} | {labels} | {cells} | {seconds:.1f} | {' '.join(draws[0].said) or '-'} |", flush=True)
    print("\n| labels | one head | five folds | detector |\n" + "| --- " * 4 + "|")
    for count in asked.many:
        print(timed(count), flush=True)


if __name__ == "__main__":
    main()
