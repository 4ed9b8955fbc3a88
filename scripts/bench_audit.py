"""How often an audit's bound holds, by audits of libraries whose errors are known, as a Markdown table.

python scripts/bench_audit.py [--audits 2000] [--count 160]

Each row is one library: its size, its categories (very unequal in size and in error), its true share wrong. Each audit
draws, answers by the truth and states its bounds with the code that `illsort audit` runs. `holds`: the true share is
at most the bound. `after 50`: the same for the bound shown after 50 answers. `a category's`: the same over all
categories' bounds. With eight tenths of the true share as target, `offers`: how often a threshold is offered;
`filed beyond`: how often what the outcome leaves filed (all, when the target counts as kept, else by the threshold
offered) has more wrong than that.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from classifier.audit import estimate as stating
from classifier.audit import thresholds
from classifier.catalog.audits import Audit, SampledImage
from classifier.model import binomial_bounds
from classifier.reasons import Reason, ReasonCode
from classifier.records import Annotation, AnnotationKind, ImageId

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (200, 2_000, 300_000)
SHARES = (0.005, 0.01, 0.02, 0.05, 0.10)
EARLY = 50

# The same few counts come again and again.
stating.upper_bound = thresholds.upper_bound = lru_cache(None)(binomial_bounds.upper_bound)
stating.finite_upper_bound = thresholds.finite_upper_bound = lru_cache(None)(binomial_bounds.finite_upper_bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Pictures are numbers; of each category the first ones are wrong. Wrong ones tend to have lower confidences."""

    filed: dict[str, range]
    wrong: dict[str, int]
    confidences: list[float]
    steps: tuple[tuple[float, int], ...]
    shares: dict[float, float]
    """For each step's threshold, the share wrong among the pictures that it keeps."""

    def category_of(self, picture: int) -> str:
        """Where a picture is filed."""
        return next(name for name, of_one in self.filed.items() if picture in of_one)

    def said(self, picture: int, category: str) -> AnnotationKind:
        """The truth."""
        return (
            AnnotationKind.WRONG
            if picture - self.filed[category].start < self.wrong[category]
            else AnnotationKind.RIGHT
        )


def made(size: int, sizes: Sequence[float], share: float, *, chance: random.Random) -> Library:
    """A library of `size` pictures with categories of these relative sizes, `share` of all wrong."""
    ends = [round(size * sum(sizes[:n]) / sum(sizes)) for n in range(len(sizes) + 1)]
    filed = {f"kind{n}": range(*pair) for n, pair in enumerate(pairwise(ends)) if pair[0] < pair[1]}
    wrong = _wrong(filed, round(size * share), chance)
    bad = {picture for name, of_one in filed.items() for picture in of_one[: wrong[name]]}
    confidences = [1 - 0.1 * chance.betavariate(*((2, 2) if picture in bad else (1, 4))) for picture in range(size)]
    found = thresholds.threshold_steps(confidences)
    below = {least: sum(confidences[picture] >= least for picture in bad) / kept for least, kept in found}
    return Library(filed=filed, wrong=wrong, confidences=confidences, steps=found, shares=below)


def _wrong(filed: dict[str, range], total: int, chance: random.Random) -> dict[str, int]:
    """How many are wrong in each category: some have ten times the errors of others."""
    names = list(filed)
    wrong = dict.fromkeys(names, 0)
    weights = {name: len(filed[name]) * chance.lognormvariate(0, 1.5) for name in names}
    for _ in range(total):
        left = [name for name in names if wrong[name] < len(filed[name])]
        wrong[chance.choices(left, [weights[name] for name in left])[0]] += 1
    return wrong


def audited(library: Library, count: int, seed: int) -> stating.AuditState:
    """One audit, answered by the truth."""
    sample = random.Random(seed).sample(range(len(library.confidences)), min(count, len(library.confidences)))
    drawn = tuple(
        SampledImage(
            position=position,
            image_id=ImageId(str(picture)),
            category=library.category_of(picture),
            confidence=library.confidences[picture],
            reason=Reason(ReasonCode.RULED_OUT),
        )
        for position, picture in enumerate(sample)
    )
    audit = Audit(
        at="",
        seed=seed,
        simple=True,
        filed={name: len(of_one) for name, of_one in library.filed.items()},
        steps=library.steps,
        marks=(0, 0),
        drawn=drawn,
    )
    return stating.AuditState(audit, [_verdict(library, one) for one in drawn])


def _verdict(library: Library, drawn: SampledImage) -> Annotation:
    said = library.said(int(drawn.image_id), drawn.category)
    return Annotation(image_id=drawn.image_id, kind=said, category=drawn.category, origin="", at="")


def row(library: Library, *, audits: int, count: int) -> list[float]:
    """The shares of the table's last four columns."""
    size = len(library.confidences)
    share = sum(library.wrong.values()) / size
    target = 0.8 * share
    holds = early = beyond = offered = categories = of_categories = 0
    for seed in range(audits):
        state = audited(library, count, seed)
        holds += share <= state.bound().at_most + 1e-12
        early += share <= stating.AuditState(state.audit, state.answers[:EARLY]).bound().at_most + 1e-12
        of = [state.bound(category) for category in sorted({drawn.category for drawn in state.audit.drawn})]
        of_categories += len(of)
        categories += sum(library.wrong[str(one.category)] / one.filed <= one.at_most + 1e-12 for one in of)
        offer = thresholds.loosest_threshold(state, target)
        offered += offer is not None
        beyond += thresholds.keeps_target(state, target) or (
            offer is not None and library.shares[offer.threshold] > target
        )
    return [holds / audits, early / audits, categories / of_categories, offered / audits, beyond / audits]


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=2000)
    parser.add_argument("--count", type=int, default=160)
    args = parser.parse_args()
    print("| filed | categories | truly wrong | holds | after 50 | a category's | offers | filed beyond |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    started, lowest = time.perf_counter(), 1.0
    kinds = {"3": [1 / 3**n for n in range(3)], "30": [1 / (n + 1) ** 1.3 for n in range(30)]}
    cases = [(size, name, sizes) for size in SIZES for name, sizes in kinds.items()]
    cases.append((2_000, "1,000 of 2", [1.0] * 1_000))
    for size, name, sizes in cases:
        for share in SHARES:
            library = made(size, sizes, share, chance=random.Random(f"{size} {name} {share}"))
            figures = row(library, audits=args.audits, count=args.count)
            lowest = min(lowest, *figures[:3])
            print(
                f"| {size:,} | {name} | {share:.1%} | " + " | ".join(f"{one:.1%}" for one in figures) + " |", flush=True
            )
    print(f"\nlowest share of bounds that hold: {lowest:.1%}; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
