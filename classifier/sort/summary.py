"""What a sort returns and prints when it is done."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier.catalog.connection import Catalog
from classifier.catalog.stats import tally_crawl
from classifier.catalog.strictness import Strictness
from classifier.decision.policy import Policy
from classifier.filing.results import Status
from classifier.images.walk_result import WalkResult
from classifier.model.bundle import Bundle
from classifier.progress import Progress, counted
from classifier.records import Method
from classifier.sort.apply import DecisionApplier

_HIGH_REVIEW_SHARE = 0.1


def summarize(
    catalog: Catalog,
    applier: DecisionApplier,
    *,
    run: int,
    crawl: Path,
    found: WalkResult,
    started: float,
    policy: Policy,
) -> dict[str, Any]:
    """What `--json` prints of a sort that began at `started` by the monotonic clock."""
    tally = tally_crawl(catalog, run=run, crawl=crawl)
    strictness = Strictness.from_settings({"sort": policy.settings()})
    seconds = round(time.monotonic() - started, 2)
    summary = {"pictures": tally.pictures, **asdict(tally), **found.numbers(), "seconds": seconds}
    summary |= {"strictness": asdict(strictness), **policy.strictness.outcome}
    # An image that could not be moved has failed, and is also counted where it is.
    not_moved = applier.not_moved.total()
    return summary | {"failed": tally.failed + not_moved, "not_moved": not_moved}


def say_notes(
    applier: DecisionApplier, summary: dict[str, Any], *, model: Bundle, crawl: Path, progress: Progress, dry_run: bool
) -> None:
    """Say what the numbers do not show: a hint on training, copies in place of links, moves that failed."""
    if hint := _unlabeled_hint(model, crawl, summary):
        progress.say(hint)
    for why, count in applier.copied_instead.items():
        progress.say(f"{counted(count, 'picture')} {'to be ' if dry_run else ''}copied, not linked: {why}")
    for reason, count in applier.not_moved.most_common():
        could = "can" if dry_run else "could"
        progress.say(f"{counted(count, 'picture')} {could} not be moved, left in place: {reason}")
    left = [outcome for outcome in applier.failed_moves if outcome.move.method is Method.RENAME]
    if left:
        progress.say(f"{counted(len(left), 'picture')} left where you put {'it' if len(left) == 1 else 'them'}")
    for outcome in [outcome for outcome in applier.failed_moves if outcome.move.method is not Method.RENAME]:
        progress.say(f"{outcome.move.source.path}: not filed: {outcome.reason or Status(outcome.status)}")


def _unlabeled_hint(model: Bundle, crawl: Path, summary: dict[str, Any]) -> str:
    """A model fine-tuned on labels alone can be trained on this crawl too, without any work for a person."""
    trained = model.manifest.settings.get("train", {})
    used_labels_alone = trained.get("recipe") == "finetune" and trained.get("unlabelled") is None
    if not used_labels_alone or summary["review"] <= _HIGH_REVIEW_SHARE * summary["pictures"]:
        return ""
    return f"this model learned from labels alone; trained with --set train.unlabelled={crawl} it usually files more"
