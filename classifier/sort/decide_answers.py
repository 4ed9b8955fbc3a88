"""Decides answers part by part without a catalog, exactly as a sort decides them: for pictures in buckets."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classifier.errors import Message, StorageError
from classifier.parts.answers_meta import part_of
from classifier.parts.decision_files import COLUMNS, FAILED, read_about, write_decisions
from classifier.parts.in_order import in_order
from classifier.parts.storage import open_storage
from classifier.progress import SilentProgress
from classifier.reasons import ReasonCode
from classifier.records import Action
from classifier.sort.answer_decider import Asked, open_decider
from classifier.sort.decision_tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from classifier.parts.answered_rows import AnsweredRows
    from classifier.parts.storage_types import Storage
    from classifier.progress import Progress
    from classifier.records import Decision
    from classifier.settings import Settings
    from classifier.sort.answer_decider import AnswerDecider

_AT_ONCE = 4
_LISTED = ("key", "tar", "offset", "image_id")


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
    asked = Asked(threshold, max_error, best)
    decider = open_decider(answers, bundle=bundle, settings=settings, asked=asked, progress=progress)
    folder, writer = decider.folder, _Writer(decider=decider, target=open_storage(to))
    there, total = set(writer.target.names()), Tally()
    at_once = min(_AT_ONCE, max(folder.storage.reads_at_once, writer.target.reads_at_once))
    with progress.stage(Message("deciding"), total=len(folder.names), unit="part") as stage:
        for tally in in_order(partial(writer.tally, there=there), folder.names, at_once=at_once):
            total.add(tally)
            stage.advance()
    return {
        **_numbers(total),
        "parts": len(folder.names),
        "parts_known": sum(writer.name_of(name) in there for name in folder.names),
        "parts_missing": folder.missing(),
        "decisions": f"{writer.target.url}/part-*.{decider.name}.parquet",
        "seconds": round(time.monotonic() - started, 2),
        **decider.policy.strictness.outcome,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Writes a file of decisions for each file of answers."""

    decider: AnswerDecider
    target: Storage

    def name_of(self, answers: str) -> str:
        """The name of the file of decisions for a file of answers."""
        return self.decider.name.of_part(part_of(answers))

    def tally(self, answers: str, *, there: AbstractSet[str]) -> Tally:
        """Of a file of answers: by what an earlier run decided, if its file is `there`."""
        made = self.name_of(answers)
        counted = self._counted(answers, made) if made in there else None
        return self._decide(answers, made) if counted is None else counted

    def _counted(self, answers: str, made: str) -> Tally | None:
        """The tally of a file of decisions, None where it follows from other answers than are there now."""
        about, folder = read_about(self.target, made), self.decider.folder
        if about.get("source") != folder.meta.source:
            raise StorageError(
                "{url}/{name}: decides pictures of {source}, and these answers are of {other}; give another folder "
                "with --to",
                url=self.target.url,
                name=made,
                source=str(about.get("source")),
                other=folder.meta.source,
            )
        is_same = about.get("identity") == folder.identity(answers)
        return Tally.from_dict(about["tally"]) if is_same else None

    def _decide(self, answers: str, made: str) -> Tally:
        """Decide a file of answers and put the file of decisions in place."""
        tally, policy, folder = Tally(), self.decider.policy, self.decider.folder
        identity = folder.identity(answers)
        batches = [_as_batch(rows, decided, tally) for rows, decided in self.decider.decided(answers)]
        about = {
            "answers": answers,
            "identity": identity,
            "source": folder.meta.source,
            "model": policy.manifest.key,
            "thresholds": dict(zip(policy.manifest.categories, policy.thresholds, strict=True)),
            "guarantee": policy.strictness.promise,
            "tally": tally.as_dict(),
        }
        write_decisions(self.target, made, pa.Table.from_batches(batches, schema=COLUMNS), about)
        return tally


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
