"""What `--max-error` and audits claim, by how the labels were selected, in worlds whose truth is known.

    python scripts/bench_guarantee.py [--draws 200]

Synthetic logits, no pictures; two minutes. A world has 60,000 pictures: a hidden difficulty makes a picture likelier to
be guessed wrong, and the confidence tells of it with noise. First table: of 1,500 drawn pictures some are labeled, 2%
is asked, and what is filed of the world is counted. `named surest first`: 900 of the 1,500, the easiest to a first
guess; the others are never named. `before`: all labels are taken as evidence, as until now. `copies`: one picture in
two is one of four hundred near-duplicates, which are all guessed right or, one group in twenty, all wrong; `once`
counts each group once, as until now. `claimed` are draws with a guarantee, `broken` those of them with more than 2%
wrong, `wrong` is the mean share wrong among the filed and `filed` that of the filed. Second table: a library of which
just over 2% is wrong, audited again and again; how often one of the audits calls it good. Last: in how many draws of
950 labels more than what was asked is wrong of other pictures, by how many of those there are.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from classifier.errors import NoGuarantee
from classifier.model.binomial_bounds import look_confidence, upper_bound
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.model.risk_control import estimated_threshold, guarantee_risk, least_rate
from classifier.records import ImageId, Selection

SIZE = 60_000
DRAWN, NAMED, AUDITED = 1_500, 900, 500
RATE = 0.02
COPIES = 400
LABELS, RESTS = 950, (475, 950, 9_500, 59_050)
CATEGORIES = ("a", "b", "c")


@dataclass(frozen=True, kw_only=True)
class World:
    """Confidence, whether the guess is wrong, difficulty, and group of near-duplicates of every picture."""

    sure: NDArray[np.float64]
    is_wrong: NDArray[np.bool_]
    difficulty: NDArray[np.float64]
    groups: NDArray[np.int64]


def world(seed: int, *, copies: bool = False) -> World:
    """A world; its confidences tell what is difficult, and nothing of groups that are wrong as a whole."""
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0, 1.6, SIZE)
    is_wrong = rng.random(SIZE) < expit(1.9 * difficulty - 4.2)
    groups = np.arange(SIZE)
    if copies:
        is_copy = groups < SIZE // 2
        groups = np.where(is_copy, groups // COPIES, groups)
        easy = rng.normal(-1.5, 0.5, SIZE)
        difficulty = np.where(is_copy, easy[groups], difficulty)
        is_wrong = np.where(is_copy, (rng.random(SIZE) < 1 / 20)[groups], is_wrong)
    sure = expit(3.2 - 1.3 * (difficulty + rng.normal(0, 1.0, SIZE)))
    return World(sure=np.clip(sure, 0.34, 0.9999), is_wrong=is_wrong, difficulty=difficulty, groups=groups)


def evidence(of: World, rows: NDArray[np.int64], selection: Selection) -> HoldoutPredictions:
    """These pictures, labeled; the guess is always the first category."""
    logits = np.log(np.stack([of.sure[rows], *[(1 - of.sure[rows]) / 2] * 2], axis=1))
    return HoldoutPredictions(
        logits=logits.astype(np.float32),
        targets=of.is_wrong[rows].astype(np.int64),
        groups=of.groups[rows],
        image_ids=tuple(ImageId(f"{row:064x}") for row in rows),
        paths=("",) * len(rows),
        method=HoldoutMethod(5),
        selections=(selection,) * len(rows),
    )


def outcome(of: World, seen: HoldoutPredictions) -> tuple[bool, float, float]:
    """Whether a guarantee is claimed, the share wrong among the filed, and the share filed."""
    try:
        by = guarantee_risk(seen, categories=CATEGORIES, temperature=1.0, max_error=RATE)
        claimed, threshold = True, by.thresholds[0]
    except NoGuarantee:
        claimed, threshold = False, estimated_threshold(RATE)
    filed = of.sure >= (2.0 if threshold is None else threshold)
    return claimed, float(of.is_wrong[filed].mean()) if filed.any() else 0.0, float(filed.mean())


def best_of(of: World, seen: HoldoutPredictions, asked: float) -> tuple[float | None, bool]:
    """The rate that `--best` takes in place of `asked`, and whether more than that share of the filed is wrong."""
    options = {"categories": CATEGORIES, "temperature": 1.0}
    rate = least_rate(seen, **options, max_error=asked)
    if rate is None:
        return None, False
    (threshold, *_) = guarantee_risk(seen, **options, max_error=rate).thresholds
    filed = of.sure >= (2.0 if threshold is None else threshold)
    return rate, bool(filed.any() and of.is_wrong[filed].mean() > rate)


def broken_in_rest(of: World, rng: np.random.Generator, asked: float) -> list[bool]:
    """Whether more than `asked` is wrong of what is filed of so many pictures besides the labels, for each of RESTS."""
    order = rng.permutation(SIZE)
    seen = evidence(of, order[:LABELS], Selection.RANDOM)
    try:
        (threshold, *_) = guarantee_risk(seen, categories=CATEGORIES, temperature=1.0, max_error=asked).thresholds
    except NoGuarantee:
        threshold = None
    if threshold is None:
        return [False] * len(RESTS)
    rests = [order[LABELS : LABELS + size] for size in RESTS]
    filed = [of.is_wrong[rest[of.sure[rest] >= threshold]] for rest in rests]
    return [bool(wrong.any() and wrong.mean() > asked) for wrong in filed]


def once(seen: HoldoutPredictions) -> HoldoutPredictions:
    """The first of each group alone, as until now."""
    first = np.zeros(len(seen), dtype=np.bool_)
    first[np.unique(seen.groups, return_index=True)[1]] = True
    return seen.rows(first.tolist())


def labeled(how: str, seed: int) -> tuple[World, HoldoutPredictions]:
    """A world and the evidence of one way to label it."""
    of = world(seed, copies="copies" in how)
    rng = np.random.default_rng(seed + 10_000)
    rows = rng.choice(SIZE, DRAWN, replace=False)
    if "surest" in how:
        first_guess = of.difficulty[rows] + rng.normal(0, 0.5, DRAWN)
        rows = rows[np.argsort(first_guess)[:NAMED]]
    selection = Selection.MODEL if "surest" in how and "before" not in how else Selection.RANDOM
    seen = evidence(of, np.sort(rows), selection)
    if "copies" in how:
        return of, once(seen) if "once" in how else seen
    return of, seen


def false_good(audits: int, *, corrected: bool, draws: int) -> float:
    """How often one of `audits` audits of a library with just over 2% wrong calls it good."""
    rng = np.random.default_rng(0)
    wrong = rng.binomial(AUDITED, RATE, (draws, audits))
    bounds = [_bounds(look_confidence(number, 0.95) if corrected else 0.95) for number in range(1, audits + 1)]
    good = np.stack([bound[wrong[:, number]] <= RATE for number, bound in enumerate(bounds)])
    return float(good.any(axis=0).mean())


@cache
def _bounds(confidence: float) -> NDArray[np.float64]:
    return np.array([upper_bound(wrong, AUDITED, confidence) for wrong in range(AUDITED + 1)])


def main() -> None:
    """Print the four tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    print("| labels | claimed | broken | wrong | worst | filed |\n" + "| --- " * 6 + "|")
    ways = ("by chance, all named", "named surest first, before", "named surest first")
    for how in (*ways, "copies by chance, once, before", "copies by chance"):
        results = [outcome(*labeled(how, seed)) for seed in range(draws)]
        claimed = [wrong for is_claimed, wrong, _ in results if is_claimed]
        broken = sum(wrong > RATE for wrong in claimed)
        _, wrong, filed = (np.array(column) for column in zip(*results, strict=True))
        shares = f"{wrong.mean():.2%} | {wrong.max():.2%} | {filed.mean():.1%}"
        print(f"| {how} | {len(claimed)} of {draws} | {broken} | {shares} |", flush=True)
    print("\n| asked with --best | guaranteed as asked | a greater rate, mean | broken |\n" + "| --- " * 4 + "|")
    for asked in (0.02, 0.01, 0.005):
        taken = [best_of(*labeled("by chance", seed), asked) for seed in range(draws)]
        greater = [rate for rate, _ in taken if rate is not None and rate > asked]
        as_asked, broken = sum(rate == asked for rate, _ in taken), sum(is_broken for _, is_broken in taken)
        print(f"| {asked:g} | {as_asked} | {len(greater)}, {np.mean(greater):.2%} | {broken} |", flush=True)
    print("\n| audits | before | now |\n" + "| --- " * 3 + "|")
    for audits in (1, 5, 20):
        before, now = (false_good(audits, corrected=corrected, draws=200_000) for corrected in (False, True))
        print(f"| {audits} | {before:.1%} | {now:.1%} |")
    print("\n| asked | " + " | ".join(f"of {size:,}" for size in RESTS) + " |\n" + "| --- " * (1 + len(RESTS)) + "|")
    for asked in (0.05, 0.1):
        broken_of = [broken_in_rest(world(seed), np.random.default_rng(10_000 + seed), asked) for seed in range(draws)]
        print(f"| {asked:g} | " + " | ".join(str(sum(column)) for column in zip(*broken_of, strict=True)) + " |")


if __name__ == "__main__":
    main()
