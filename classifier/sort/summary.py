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
from classifier.errors import Counted, Message
from classifier.filing.results import Outcome
from classifier.images.walk_result import WalkResult
from classifier.model.bundle import Bundle
from classifier.progress import Progress
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
    if not applier.changed and not summary["failed"] and summary["pictures"] > summary["broken"]:
        progress.say(_nothing_to_move(dry_run=dry_run))
    if hint := _unlabeled_hint(model, crawl, summary):
        progress.say(hint)
    for why_copied, count in applier.copied_instead.items():
        progress.say(_copied(why_copied, count, dry_run=dry_run))
    for why, count in applier.not_moved.most_common():
        progress.say(_not_moved(why, count, dry_run=dry_run))
    left = [outcome for outcome in applier.failed_moves if outcome.move.method is Method.RENAME]
    if left:
        progress.say(
            Counted(
                "{count:,} picture left where you put it",
                "{count:,} pictures left where you put them",
                count=len(left),
            )
        )
    for outcome in [outcome for outcome in applier.failed_moves if outcome.move.method is not Method.RENAME]:
        progress.say(_not_filed(outcome))


def _nothing_to_move(*, dry_run: bool) -> Message:
    if dry_run:
        return Message("nothing would change: every picture that can be read lies where it belongs")
    return Message("nothing changed: every picture that can be read lies where it belongs")


def _copied(why: str, count: int, *, dry_run: bool) -> Message:
    if dry_run:
        return Counted(
            "{count:,} picture to be copied, not linked: {why}",
            "{count:,} pictures to be copied, not linked: {why}",
            count=count,
            why=Message(why),
        )
    return Counted(
        "{count:,} picture copied, not linked: {why}",
        "{count:,} pictures copied, not linked: {why}",
        count=count,
        why=Message(why),
    )


def _not_moved(why: str, count: int, *, dry_run: bool) -> Message:
    if dry_run:
        return Counted(
            "{count:,} picture can not be moved, left in place: {why}",
            "{count:,} pictures can not be moved, left in place: {why}",
            count=count,
            why=why,
        )
    return Counted(
        "{count:,} picture could not be moved, left in place: {why}",
        "{count:,} pictures could not be moved, left in place: {why}",
        count=count,
        why=why,
    )


def _not_filed(outcome: Outcome) -> Message:
    why = outcome.reason or Message(outcome.status)
    return Message("{path}: not filed: {why}", path=outcome.move.source.path, why=why)


def _unlabeled_hint(model: Bundle, crawl: Path, summary: dict[str, Any]) -> Message | None:
    """That a model fine-tuned on labels alone can be trained on this crawl too, without any work for a person."""
    trained = model.manifest.settings.get("train", {})
    used_labels_alone = trained.get("recipe") == "finetune" and trained.get("unlabelled") is None
    if not used_labels_alone or summary["review"] <= _HIGH_REVIEW_SHARE * summary["pictures"]:
        return None
    return Message(
        "this model learned from labels alone; trained with --unlabeled {crawl} it usually files more",
        crawl=crawl,
    )
