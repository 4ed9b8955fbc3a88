"""What `sort.unknown_share` loses and catches, and what answers in _unknown teach, with a head on frozen features.

    python scripts/bench_unknown_share.py [--labels 20] [--draws 5] [--answers 60]

Three tables. In the first, a threshold of 0.9: `in _unknown`: of the pictures of the labeled categories; `lost`: of
those of them that would be filed, and rightly; `caught`: of the pictures of no category; `filed`: of these, and in
brackets with the wider band that goes to review where an error rate is asked. In the second so many random pictures in
_unknown are answered in one half of the rest; in the other half, before and after: `in _unknown` / `caught`. `biased`:
labels come from the larger of two clusters of each category. In the third, of the pictures of no category that are
filed at the default share: how many of each source (what a file's name begins with) go to which category, a draw.
Reads ../shared/data, or --data.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench_promise import DATA, Embedded, How, embedded, judged
from drawing import link
from sklearn.cluster import KMeans
from sklearn.metrics import roc_auc_score

from classifier.images.hashing import hash_file
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.combined_head import fit_combined_head
from classifier.model.head import l2_normalize
from classifier.model.ood import OodDetector, fit_ood
from classifier.model.ood_answers import Answered, learn_from_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SHARES = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
HOW = How(last_layer=False, neighbors=False)
_FILED_FROM = 0.9
BANDS = (0.1, 0.2)  # of the default share, without an error rate and with one


@dataclass(frozen=True, kw_only=True)
class Case:
    """A set whose labels are drawn, and the pictures of none of its categories."""

    known: Embedded
    unknown: Embedded


def some(pictures: Embedded, is_kept: NDArray[np.bool_]) -> Embedded:
    """Some pictures, their categories numbered anew."""
    names, targets = np.unique(pictures.targets[is_kept], return_inverse=True)
    return Embedded(
        embeddings=pictures.embeddings[is_kept],
        stats=pictures.stats[is_kept],
        targets=targets,
        pictures=tuple(np.array(pictures.pictures)[is_kept].tolist()),
        categories=tuple(pictures.categories[name] for name in names),
    )


def left_out(pictures: Embedded, count: int, seed: int) -> Case:
    """So many categories are the unknown ones."""
    chosen = np.random.default_rng(100 + seed).choice(len(pictures.categories), count, replace=False)
    is_unknown = np.isin(pictures.targets, chosen)
    return Case(known=some(pictures, ~is_unknown), unknown=some(pictures, is_unknown))


def flat(folder: Path) -> Embedded:
    """Pictures of no category: `embedded` takes folders of categories, so they are dealt to two."""
    with tempfile.TemporaryDirectory() as work:
        for number, file in enumerate(sorted(one for one in folder.iterdir() if one.suffix != ".md")):
            (part := Path(work) / f"part{number % 2}").mkdir(exist_ok=True)
            link(file, part / file.name)
        return embedded(Path(work))


def cases(data: Path) -> Iterator[tuple[str, Callable[[int], Case]]]:
    """Each by name: a seed to its case."""
    other, sets = flat(data / "other"), {name: embedded(data / name) for name in ("kinds", "characters", "series")}
    for name, pictures in sets.items():
        yield f"`{name}`, `other`", lambda _, pictures=pictures: Case(known=pictures, unknown=other)
    for name, count in (("kinds", 3), ("series", 3), ("characters", 1)):
        yield f"`{name}`, {count} of it", lambda seed, name=name, count=count: left_out(sets[name], count, seed)


def labels_of(pictures: Embedded, count: int, *, is_biased: bool, seed: int) -> NDArray[np.int64]:
    """Rows of so many labels of each category."""
    order, rows = np.random.default_rng(seed).permutation(len(pictures.targets)), []
    for category in range(len(pictures.categories)):
        own = order[pictures.targets[order] == category]
        if is_biased:
            clusters = KMeans(2, n_init=2, random_state=0).fit_predict(l2_normalize(pictures.embeddings[own]))
            own = own[clusters == np.bincount(clusters).argmax()]
        rows.append(own[:count])
    return np.sort(np.concatenate(rows))


def detector_of(pictures: Embedded, rows: NDArray[np.int64]) -> OodDetector:
    """The detector by these labels."""
    return fit_ood(pictures.stats[rows], pictures.embeddings[rows], pictures.targets[rows], np.arange(len(rows)))


def answered(
    case: Case, *, labels: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The rows that are labeled, and the probabilities of the rest and of the pictures of no category."""
    known, unknown = case.known, case.unknown
    rows = labels_of(known, labels, is_biased=False, seed=seed)
    rest = np.setdiff1d(np.arange(len(known.targets)), rows)
    evidence = judged(known, rows, how=HOW, seed=seed)
    temperature = fit_temperature(evidence.logits, evidence.targets)
    head = fit_combined_head(known.embeddings[rows], known.stats[rows], known.targets[rows])
    shares = (head(known.embeddings[rest], known.stats[rest]), head(unknown.embeddings, unknown.stats))
    own, others = (probabilities(logits, temperature) for logits in shares)
    return rows, own, others


def by_share(case: Case, *, labels: int, seed: int) -> tuple[float, NDArray[np.float64]]:
    """AUROC, and a row for each share."""
    known, unknown = case.known, case.unknown
    rows, shares, others_shares = answered(case, labels=labels, seed=seed)
    rest, of_unknown = np.setdiff1d(np.arange(len(known.targets)), rows), others_shares.max(axis=1)
    detector = detector_of(known, rows)
    scores = detector.score(known.stats[rest], known.embeddings[rest])
    others = detector.score(unknown.stats, unknown.embeddings)
    is_good = (shares.max(axis=1) >= _FILED_FROM) & (shares.argmax(axis=1) == known.targets[rest])
    found = []
    for share in SHARES:
        limit, band = detector.threshold(share), detector.threshold(max(share, min(2 * share, 0.1)))
        wide = detector.threshold(max(share, 2 * min(2 * share, 0.1)))
        filed = [((of_unknown >= _FILED_FROM) & (others < least)).mean() for least in (band, wide)]
        found.append([(scores >= limit).mean(), (scores[is_good] >= limit).mean(), (others >= limit).mean(), *filed])
    auroc = roc_auc_score(np.repeat([0, 1], [len(scores), len(others)]), np.concatenate([scores, others]))
    return float(auroc), np.array(found)


def filed_of_none(case: Case, names: dict[str, str], *, band: float, labels: int, seed: int) -> Counter[str]:
    """The pictures of no category that are filed, by source and category; in the `band` they go to review."""
    rows, _, shares = answered(case, labels=labels, seed=seed)
    detector = detector_of(case.known, rows)
    scores = detector.score(case.unknown.stats, case.unknown.embeddings)
    is_filed = (shares.max(axis=1) >= _FILED_FROM) & (scores < detector.threshold(band))
    where, pictures = shares.argmax(axis=1), case.unknown.pictures
    filed = np.flatnonzero(is_filed).tolist()
    return Counter(f"{names[pictures[row]].split('_')[0]} in {case.known.categories[where[row]]}" for row in filed)


def after_answers(case: Case, *, labels: int, answers: int, is_biased: bool, share: float, seed: int) -> list[float]:
    """Answers of either kind; of the known and the unknown pictures, the share that is unknown before and after."""
    known, unknown, rng = case.known, case.unknown, np.random.default_rng(seed)
    rows = labels_of(known, labels, is_biased=is_biased, seed=seed)
    halves = np.array_split(rng.permutation(np.setdiff1d(np.arange(len(known.targets)), rows)), 2)
    others = np.array_split(rng.permutation(len(unknown.targets)), 2)
    before = detector_of(known, rows)

    def unknown_in(detector: OodDetector, pictures: Embedded, some_rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        return detector.score(pictures.stats[some_rows], pictures.embeddings[some_rows]) >= detector.threshold(share)

    waiting = [(known, row) for row in halves[0][unknown_in(before, known, halves[0])]]
    waiting += [(unknown, row) for row in others[0][unknown_in(before, unknown, others[0])]]
    asked = [waiting[number] for number in rng.permutation(len(waiting))[:answers]]
    kinds = [np.array([row for source, row in asked if source is one], dtype=np.int64) for one in (known, unknown)]
    good, none = (
        Answered(embeddings=one.embeddings[chosen], stats=one.stats[chosen])
        for one, chosen in zip((known, unknown), kinds, strict=True)
    )
    after = learn_from_answers(before, known.embeddings[rows], of_a_category=good, of_none=none, share=share)
    rates = [
        float(unknown_in(detector, pictures, part[1]).mean())
        for detector in (before, after)
        for pictures, part in ((known, halves), (unknown, others))
    ]
    return [len(good), len(none), *rates]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--answers", type=int, default=60)
    asked = parser.parse_args()
    every, draws = list(cases(asked.data)), range(asked.draws)
    print("| known, unknown | AUROC | share | in _unknown | lost | caught | filed |\n" + "| --- " * 7 + "|")
    for name, case in every:
        found = [by_share(case(seed), labels=asked.labels, seed=seed) for seed in draws]
        auroc, rows = np.mean([one for one, _ in found]), np.mean([one for _, one in found], axis=0)
        for share, (held, lost, caught, filed, wide) in zip(SHARES, rows, strict=True):
            cells = f"{held:.3f} | {lost:.3f} | {caught:.3f} | {filed:.4f} ({wide:.4f})"
            print(f"| {name} | {auroc:.3f} | {share:g} | {cells} |", flush=True)
    print("\n| known, unknown | labels | share | of a category, of none | before | after |\n" + "| --- " * 6 + "|")
    for name, case in every:
        for is_biased in (False, True):
            for share in (0.03, 0.05, 0.1):
                how = {"labels": asked.labels, "answers": asked.answers, "is_biased": is_biased, "share": share}
                means = np.mean([after_answers(case(seed), **how, seed=seed) for seed in draws], axis=0)
                cells = " | ".join(f"{held:.3f} / {caught:.3f}" for held, caught in (means[2:4], means[4:6]))
                labels = "biased" if is_biased else "by chance"
                print(f"| {name} | {labels} | {share:g} | {means[0]:.0f}, {means[1]:.0f} | {cells} |", flush=True)
    names = {hash_file(file)[1]: file.name for file in (asked.data / "other").iterdir()}
    print("\n| known | of | goes to review up to | filed | of these |\n" + "| --- " * 5 + "|")
    for name, case in every[:3]:  # those with `other`
        for band in BANDS:
            sources: Counter[str] = Counter()
            for seed in draws:
                sources += filed_of_none(case(seed), names, band=band, labels=asked.labels, seed=seed)
            each = ", ".join(f"{where} {count / len(draws):g}" for where, count in sources.most_common())
            of = len(case(0).unknown.pictures)
            print(f"| {name} | {of} | {band:g} | {sources.total() / len(draws):g} | {each} |", flush=True)


if __name__ == "__main__":
    main()
