"""Decides answers part by part without a catalog, exactly as a sort decides them: for pictures in buckets.

The answers are the model's own, or follow from kept embeddings by its head where another head of the same backbone
answered. They are not spread over near pictures, which takes the embeddings of all at once.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classifier.decision.by_policy import decide_by
from classifier.decision.policy import CategoryMerge, merge_categories
from classifier.errors import Message, StorageError
from classifier.model.bundle import open_bundle
from classifier.model.calibration import probabilities
from classifier.parts.answer_files import find_answers
from classifier.parts.answers_meta import part_and_model
from classifier.parts.decision_files import COLUMNS, FAILED, DecisionName, read_about, write_decisions
from classifier.parts.storage import open_storage
from classifier.progress import SilentProgress
from classifier.records import Action
from classifier.sort.resolve_policy import OfLibrary, resolve_policy, with_least_rate
from classifier.sort.resume import request_from
from classifier.sort.reuse_embeddings import answers_of, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from classifier.decision.policy import Policy
    from classifier.model.bundle import Bundle
    from classifier.model.combined_head import Head
    from classifier.model.ood import OodDetector
    from classifier.parts.answer_files import AnswerFolder
    from classifier.parts.answered_rows import AnsweredRows
    from classifier.parts.storage_types import Storage
    from classifier.progress import Progress
    from classifier.records import Decision
    from classifier.settings import Settings

_HASH_DIGITS = 8
_AT_ONCE = 4


@dataclass(kw_only=True)
class Tally:
    """What became of the rows of files: `categories` of those filed, `failures` by kind."""

    pictures: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count those of another one too."""
        self.pictures += other.pictures
        self.actions += other.actions
        self.categories += other.categories
        self.failures += other.failures

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` reads it."""
        counts = {"actions": self.actions, "categories": self.categories, "failures": self.failures}
        return {"pictures": self.pictures} | {name: dict(sorted(count.items())) for name, count in counts.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Tally:
        """What `as_dict` gave."""
        counts = {name: Counter(values[name]) for name in ("actions", "categories", "failures")}
        return cls(pictures=values["pictures"], **counts)


def decide_answers(
    answers: str,
    *,
    bundle: Path,
    to: str,
    settings: Settings,
    threshold: float | None = None,
    max_error: float | None = None,
    best: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a file of decisions to `to` for each file of `answers` that has none yet; returns the summary.

    `answers` and `to` are paths or URLs; the options are those of `pipeline.sort`. Raises ModelError or StorageError in
    one line where the model or its answers cannot be used, or files cannot be written.
    """
    started, progress = time.monotonic(), progress or SilentProgress()
    model = open_bundle(bundle)
    folder, target = find_answers(answers, model, other_heads=True), open_storage(to)
    policy = _policy(model, settings, threshold=threshold, max_error=max_error, best=best, progress=progress)
    decider = _decider(folder, target, model, policy)
    there, total = set(target.names()), Tally()
    with progress.stage(Message("deciding"), total=len(folder.names), unit="part") as stage:
        for tally in _tallies(decider, there):
            total.add(tally)
            stage.advance()
    return {
        **_numbers(total),
        "parts": len(folder.names),
        "parts_known": sum(decider.name_of(name) in there for name in folder.names),
        "parts_missing": folder.missing(),
        "decisions": f"{target.url}/part-*.{decider.name}.parquet",
        "seconds": round(time.monotonic() - started, 2),
        **policy.strictness.outcome,
    }


def _tallies(decider: _Decider, there: AbstractSet[str]) -> Iterator[Tally]:
    """The tally of each file, in order; of a bucket, which is mostly waited for, a few files are decided at a time."""
    at_once = min(_AT_ONCE, max(decider.folder.storage.reads_at_once, decider.target.reads_at_once))
    work = partial(decider.tally, there=there)
    if at_once == 1:
        yield from map(work, decider.folder.names)
        return
    pending = deque[Future[Tally]]()
    with ThreadPoolExecutor(at_once) as pool:
        for name in decider.folder.names:
            pending.append(pool.submit(work, name))
            if len(pending) > at_once:
                yield pending.popleft().result()
        for one in pending:
            yield one.result()


def _policy(
    model: Bundle,
    settings: Settings,
    *,
    threshold: float | None,
    max_error: float | None,
    best: bool,
    progress: Progress,
) -> Policy:
    """The policy of a sort into a library that says nothing."""
    request = request_from(settings, threshold=threshold, max_error=max_error, best=best, bundle=model.folder)
    holdout = model.load_holdout()
    rated = with_least_rate(request, model, holdout)
    return resolve_policy(rated, model, settings, holdout=holdout, of=OfLibrary(), progress=progress)


def _decider(folder: AnswerFolder, target: Storage, model: Bundle, policy: Policy) -> _Decider:
    is_own = folder.meta.model == model.manifest.key
    parts = (
        folder.meta.model,
        str(policy.manifest.temperature),
        *map(str, policy.thresholds),
        str(policy.unknown_threshold),
        str(policy.review_threshold),
        str(policy.guarantee is not None),
    )
    asked = hashlib.sha256("|".join(parts).encode()).hexdigest()[:_HASH_DIGITS]
    return _Decider(
        folder=folder,
        target=target,
        policy=policy,
        merge=merge_categories(policy.manifest.categories, policy.thresholds, policy.names),
        name=DecisionName(model.manifest.key, asked),
        head=None if is_own else model.load_head(),
        detector=None if is_own else model.load_ood(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decider:
    """Decides files of answers by one policy; `head` is None where the answers are the model's own."""

    folder: AnswerFolder
    target: Storage
    policy: Policy
    merge: CategoryMerge
    name: DecisionName
    head: Head | None
    detector: OodDetector | None

    def name_of(self, answers: str) -> str:
        """The name of the file of decisions for a file of answers."""
        found = part_and_model(answers)
        return self.name.of_part(found[0] if found else 0)

    def tally(self, answers: str, *, there: AbstractSet[str]) -> Tally:
        """Of a file of answers: by what an earlier run decided, if its file is `there`."""
        made = self.name_of(answers)
        return self._counted(made) if made in there else self._decide(answers, made)

    def _counted(self, made: str) -> Tally:
        return Tally.from_dict(read_about(self.target, made)["tally"])

    def _decide(self, answers: str, made: str) -> Tally:
        """Decide a file of answers and put the file of decisions in place."""
        tally, batches, first = Tally(), list[pa.RecordBatch](), dict[str, "Decision"]()
        for rows in self.folder.rows(answers, embeddings=self.head is not None):
            # The same image twice may be answered with other last bits.
            decided = [first.setdefault(one.image_id, one) for one in self._decisions(rows, answers)]
            batches.append(_as_batch(rows, decided, tally))
        policy = self.policy
        about = {
            "answers": answers,
            "source": self.folder.meta.source,
            "model": policy.manifest.key,
            "thresholds": dict(zip(policy.manifest.categories, policy.thresholds, strict=True)),
            "guarantee": policy.strictness.promise,
            "tally": tally.as_dict(),
        }
        write_decisions(self.target, made, pa.Table.from_batches(batches, schema=COLUMNS), about)
        return tally

    def _decisions(self, rows: AnsweredRows, name: str) -> list[Decision]:
        if not len(rows.decoded):
            return []
        logits, ood_scores = self._answers(rows, name)
        probs = self.merge(probabilities(logits, self.policy.manifest.temperature))
        return decide_by(
            self.policy, self.merge, rows.image_ids, probs, truncated=rows.truncated, ood_scores=ood_scores
        )

    def _answers(self, rows: AnsweredRows, name: str) -> tuple[NDArray[np.float32], Sequence[float | None]]:
        if self.head is None:
            return rows.logits, rows.ood_scores
        if not fits(rows.embeddings, self.head, self.detector):
            raise StorageError(
                "{url}/{name}: what it keeps of each picture is too little for this model's head; run illsort predict "
                "with this model",
                url=self.folder.storage.url,
                name=name,
            )
        return answers_of(rows.embeddings, self.head, self.detector)


def _as_batch(rows: AnsweredRows, decided: Sequence[Decision], tally: Tally) -> pa.RecordBatch:
    """The rows of a file of decisions, counted in `tally`."""
    count = len(rows)
    found: list[tuple[str, str | None, float | None, str, str]] = [("", None, None, "", "")] * count
    for place, one in zip(rows.decoded.tolist(), decided, strict=True):
        found[place] = one.action, one.category, one.confidence, one.reason.code, one.reason.json
    for place, failure in rows.failures.items():
        found[place] = FAILED, None, None, failure.detail.code, failure.detail.json
        tally.failures[failure.kind.value] += 1
    tally.pictures += count
    tally.actions.update(row[0] for row in found)
    tally.categories.update(one.category for one in decided if one.action is Action.FILE)
    key, image_id = rows.columns["key"], rows.columns["image_id"]
    columns = zip(*found, strict=True) if found else [()] * (len(COLUMNS) - 2)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, list(COLUMNS)[2:], strict=True)]
    return pa.record_batch([key, image_id, *arrays], schema=COLUMNS)


def _numbers(total: Tally) -> dict[str, Any]:
    actions = total.actions
    return {
        "pictures": total.pictures,
        "filed": actions[Action.FILE],
        "review": actions[Action.REVIEW],
        "unknown": actions[Action.UNKNOWN],
        "failed": actions[FAILED],
        "categories": dict(total.categories.most_common()),
        "failures": dict(total.failures.most_common()),
    }
