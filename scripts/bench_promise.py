"""How often `--max-error` keeps what it promises, and how much it files, with a head on frozen features.

    python scripts/bench_promise.py [--sets kinds series] [--labels 200 500 0] [--draws 20] [--even] [--neighbors]

For each draw, so many pictures (0: half of all) are labeled at random, or with --even as many of each category. Heads
cross-fitted in 5 parts give the evidence, a head on all labels sorts the rest of the set. The last column is what one
threshold could have filed in hindsight. Near-duplicates are left out, one of each group stays. Reads ../shared/data, or
--data. --last-layer takes heads on embeddings alone, as models of earlier versions have them. --neighbors
spreads answers over near pictures, as a sort does.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedKFold

from classifier.errors import NoGuarantee
from classifier.inference.device import choose_runtime
from classifier.inference.pipeline import open_pool
from classifier.inference.reader import Reader, limits_from
from classifier.labels.dataset import read_examples
from classifier.labels.load import categories_of, read_labels
from classifier.labels.near_duplicates import group_near_duplicates
from classifier.model.backbone import load_backbone
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.combined_head import fit_combined_head
from classifier.model.head import fit_head, fit_pca, l2_normalize
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.model.nearest import nearest
from classifier.model.risk_control import guarantee_risk
from classifier.model.spreading import graph_of, spread
from classifier.model.transforms import EvalTransform
from classifier.progress import SilentProgress
from classifier.records import ImageId, Selection
from classifier.settings import ImageSettings
from classifier.training.dataset import read_in_workers
from classifier.training.features import embed_examples
from classifier.training.metrics import coverage_at
from classifier.training.near_duplicates import near_examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RATES = (0.02, 0.05, 0.10)
PARTS = 5


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A set of pictures, one of each group of near-duplicates: float32 (N, D) and (N, T), category indices and ids."""

    embeddings: NDArray[np.float32]
    stats: NDArray[np.float32]
    targets: NDArray[np.int64]
    pictures: tuple[ImageId, ...]
    categories: tuple[str, ...]

    @cached_property
    def graph(self) -> csr_array:
        """Which pictures are near each other, as a sort has it."""
        return graph_of(*nearest(l2_normalize(fit_pca(self.embeddings[:4096], width=128)(self.embeddings))))

    def fitted(
        self, rows: NDArray[np.int64], *, last_layer: bool
    ) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
        """A head fitted to these rows: rows to their logits."""
        if last_layer:
            alone = fit_head(self.embeddings[rows], self.targets[rows])
            return lambda others: alone(self.embeddings[others])
        head = fit_combined_head(self.embeddings[rows], self.stats[rows], self.targets[rows])
        return lambda others: head(self.embeddings[others], self.stats[others])


@dataclass(frozen=True, kw_only=True)
class How:
    """What answers: heads on embeddings alone, or on statistics too, spread over near pictures or not."""

    last_layer: bool
    neighbors: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one draw came to at one rate; shares 0..1, of the crawl."""

    promised: bool
    coverage: float
    error: float
    best: float


def embedded(folder: Path) -> Embedded:
    """Embed every picture of `folder` once, by the embedded backbone as it comes."""
    silent, images = SilentProgress(), ImageSettings()
    labels = read_labels(folder=folder, csv_file=None)
    categories = categories_of(labels)
    runtime, limits = choose_runtime(device="cpu", training=False), limits_from(images)
    network = load_backbone("embedded", num_categories=len(categories)).eval()
    with open_pool(runtime, limits, silent) as pool:
        read = partial(read_in_workers, pool=pool, max_megapixels=images.max_megapixels)
        examples, _ = read_examples(labels, read=read, progress=silent)
        numbers = group_near_duplicates(examples, near=near_examples(examples))
        first = sorted({number: row for row, number in reversed(list(enumerate(numbers)))}.values())
        features = embed_examples(
            [examples[row] for row in first],
            network=network,
            reader=Reader(transform=EvalTransform(image_size=network.image_size), max_megapixels=images.max_megapixels),
            pool=pool,
            runtime=runtime,
            progress=silent,
            stage="looking",
        )
    return Embedded(
        embeddings=features.embeddings,
        stats=features.stats,
        targets=np.array([categories.index(example.label.category) for example in features.examples]),
        pictures=tuple(example.image_id for example in features.examples),
        categories=categories,
    )


def drawn(targets: NDArray[np.int64], *, count: int, even: bool, seed: int) -> NDArray[np.int64]:
    """Which rows are labeled: `count` of all (0: half), at random or as many of each category."""
    rng = np.random.default_rng(seed)
    count = count or len(targets) // 2
    order, kinds = rng.permutation(len(targets)), int(targets.max()) + 1
    if not even:
        while np.bincount(targets[order[:count]], minlength=kinds).min() < PARTS:
            order = rng.permutation(len(targets))  # a category that cannot be in every part cannot be judged
        return np.sort(order[:count])
    return np.sort(np.concatenate([order[targets[order] == kind][: count // kinds] for kind in range(kinds)]))


def judged(pictures: Embedded, rows: NDArray[np.int64], *, how: How, seed: int) -> HoldoutPredictions:
    """What heads that did not see them say of the labeled rows."""
    targets = pictures.targets[rows]
    logits = np.zeros((len(rows), len(pictures.categories)), np.float32)
    for learned, held_out in StratifiedKFold(PARTS, shuffle=True, random_state=seed).split(rows, targets):
        logits[held_out] = answered(pictures, rows[learned], how=how)[rows[held_out]]
    ids = tuple(pictures.pictures[row] for row in rows)
    return HoldoutPredictions(
        logits=logits,
        targets=targets,
        groups=np.arange(len(rows)),
        image_ids=ids,
        paths=ids,
        method=HoldoutMethod(5),
        selections=(Selection.RANDOM,) * len(rows),
    )


def answered(pictures: Embedded, learned: NDArray[np.int64], *, how: How) -> NDArray[np.float32]:
    """The logits of all pictures by a head that was fitted to the rows `learned`."""
    everything = np.arange(len(pictures.targets))
    logits = pictures.fitted(learned, last_layer=how.last_layer)(everything)
    if not how.neighbors:
        return logits
    labels = np.full(len(everything), -1)
    labels[learned] = pictures.targets[learned]
    return spread(pictures.graph, probabilities(logits, 1.0), labels)


def tried(pictures: Embedded, *, count: int, even: bool, how: How, seed: int) -> list[Result]:
    """One draw, at each rate."""
    rows = drawn(pictures.targets, count=count, even=even, seed=seed)
    crawl = np.setdiff1d(np.arange(len(pictures.targets)), rows)
    evidence = judged(pictures, rows, how=how, seed=seed)
    temperature = fit_temperature(evidence.logits, evidence.targets)
    shares = probabilities(answered(pictures, rows, how=how)[crawl], temperature)
    sure, guesses = shares.max(axis=1), shares.argmax(axis=1)
    is_right = guesses == pictures.targets[crawl]
    results = []
    for rate in RATES:
        best = coverage_at(rate, sure, is_right).share
        try:
            by = guarantee_risk(evidence, categories=pictures.categories, temperature=temperature, max_error=rate)
        except NoGuarantee:
            results.append(Result(promised=False, coverage=0.0, error=0.0, best=best))
            continue
        thresholds = np.array([2.0 if threshold is None else threshold for threshold in by.thresholds])
        filed = sure >= thresholds[guesses]
        error = float((~is_right[filed]).mean()) if filed.any() else 0.0
        results.append(Result(promised=True, coverage=float(filed.mean()), error=error, best=best))
    return results


def main() -> None:
    """Print a row for each set, number of labels and rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=["kinds", "series"])
    parser.add_argument("--labels", nargs="+", type=int, default=[200, 500, 0])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--even", action="store_true")
    parser.add_argument("--last-layer", action="store_true")
    parser.add_argument("--neighbors", action="store_true")
    asked = parser.parse_args()
    print("| set | labels | rate | promised | kept | worst | coverage | best in hindsight |\n" + "| --- " * 8 + "|")
    for name in asked.sets:
        pictures = embedded(asked.data / name)
        for count in asked.labels:
            how = How(last_layer=asked.last_layer, neighbors=asked.neighbors)
            draws = [tried(pictures, count=count, even=asked.even, how=how, seed=seed) for seed in range(asked.draws)]
            for rate, results in zip(RATES, zip(*draws, strict=True), strict=True):
                promised, kept = sum(r.promised for r in results), sum(r.error <= rate for r in results)
                coverage, best = (float(np.mean(v)) for v in zip(*((r.coverage, r.best) for r in results), strict=True))
                print(
                    f"| {name} | {count or 'half'} | {rate:.0%} | {promised} | {kept} of {len(results)} "
                    f"| {max(r.error for r in results):.3f} | {coverage:.3f} | {best:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
