"""Decides answers part by part without a catalog, exactly as a sort decides them: for pictures in buckets.

The answers are the model's own, or follow from kept embeddings by its head where another head of the same backbone
answered. They are not spread over near pictures, which takes the embeddings of all at once.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
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
from classifier.reasons import ReasonCode
from classifier.records import Action
from classifier.sort.decision_tally import Tally
from classifier.sort.resolve_policy import OfLibrary, resolve_policy, with_least_rate
from classifier.sort.resume import request_from
from classifier.sort.reuse_embeddings import answers_of, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

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
_LISTED = ("key", "tar", "offset", "image_id")
_AT_ONCE = 4


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
        str(policy.strictness.max_error),
        str(policy.strictness.promise),
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
        counted = self._counted(answers, made) if made in there else None
        return self._decide(answers, made) if counted is None else counted

    def _counted(self, answers: str, made: str) -> Tally | None:
        """The tally of a file of decisions, None where it follows from other answers than are there now."""
        about = read_about(self.target, made)
        if about.get("source") != self.folder.meta.source:
            raise StorageError(
                "{url}/{name}: decides pictures of {source}, and these answers are of {other}; give another folder "
                "with --to",
                url=self.target.url,
                name=made,
                source=str(about.get("source")),
                other=self.folder.meta.source,
            )
        is_same = about.get("identity") == self.folder.identity(answers)
        return Tally.from_dict(about["tally"]) if is_same else None

    def _decide(self, answers: str, made: str) -> Tally:
        """Decide a file of answers and put the file of decisions in place."""
        tally, batches, first = Tally(), list[pa.RecordBatch](), dict[str, "Decision"]()
        identity = self.folder.identity(answers)
        for rows in self.folder.rows(answers, embeddings=self.head is not None):
            # The same image twice may be answered with other last bits.
            decided = [one and first.setdefault(one.image_id, one) for one in self._decisions(rows, answers)]
            batches.append(_as_batch(rows, decided, tally))
        policy = self.policy
        about = {
            "answers": answers,
            "identity": identity,
            "source": self.folder.meta.source,
            "model": policy.manifest.key,
            "thresholds": dict(zip(policy.manifest.categories, policy.thresholds, strict=True)),
            "guarantee": policy.strictness.promise,
            "tally": tally.as_dict(),
        }
        write_decisions(self.target, made, pa.Table.from_batches(batches, schema=COLUMNS), about)
        return tally

    def _decisions(self, rows: AnsweredRows, name: str) -> list[Decision | None]:
        """Of the decoded rows; None for one that this head cannot answer."""
        if not len(rows.decoded):
            return []
        logits, ood_scores = self._answers(rows, name)
        is_usable: NDArray[np.bool_] = np.asarray(np.isfinite(logits).all(axis=1))
        probs = self.merge(probabilities(np.where(is_usable[:, None], logits, 0), self.policy.manifest.temperature))
        decided = decide_by(
            self.policy, self.merge, rows.image_ids, probs, truncated=rows.truncated, ood_scores=ood_scores
        )
        return [one if usable else None for one, usable in zip(decided, is_usable.tolist(), strict=True)]

    def _answers(self, rows: AnsweredRows, name: str) -> tuple[NDArray[np.float32], Sequence[float | None]]:
        if self.head is None:
            return rows.logits, rows.ood_scores
        if not rows.has_embeddings or not fits(rows.embeddings, self.head, self.detector):
            raise StorageError(
                "{url}/{name}: what it keeps of each picture is too little for this model's head; run illsort predict "
                "with this model",
                url=self.folder.storage.url,
                name=name,
            )
        return answers_of(rows.embeddings, self.head, self.detector)


def _as_batch(rows: AnsweredRows, decided: Sequence[Decision | None], tally: Tally) -> pa.RecordBatch:
    """The rows of a file of decisions, counted in `tally`."""
    count = len(rows)
    found: list[tuple[str, str | None, float | None, str, str]] = [("", None, None, "", "")] * count
    for place, one in zip(rows.decoded.tolist(), decided, strict=True):
        if one is None:
            found[place] = FAILED, None, None, ReasonCode.NOT_KEPT, "{}"
            tally.failures[ReasonCode.NOT_KEPT] += 1
        else:
            found[place] = one.action, one.category, one.confidence, one.reason.code, one.reason.json
    for place, failure in rows.failures.items():
        found[place] = FAILED, None, None, failure.detail.code, failure.detail.json
        tally.failures[failure.kind.value] += 1
    tally.pictures += count
    tally.actions.update(row[0] for row in found)
    tally.categories.update(one.category for one in decided if one is not None and one.action is Action.FILE)
    listed = [rows.columns[name] for name in _LISTED]
    columns = zip(*found, strict=True) if found else [()] * (len(COLUMNS) - len(listed))
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, list(COLUMNS)[len(listed) :], strict=True)]
    return pa.record_batch([*listed, *arrays], schema=COLUMNS)


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
