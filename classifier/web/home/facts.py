"""Where each step of a project stands, read from the disk: labels, model, library, audit."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from classifier.catalog import audits
from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.runs import EndState
from classifier.catalog.stats import library_stats
from classifier.errors import IllsortError, message_of
from classifier.filing.reconcile import reconcile_if_free
from classifier.model.bundle_files import MANIFEST
from classifier.model.evaluation_fields import read_evaluation
from classifier.model.manifest import load_manifest
from classifier.paths import displayable
from classifier.progress import percent_up
from classifier.sort.last_preview import SHEET, last_preview
from classifier.web.responses import in_both_languages

_MOST_SECONDS: Final = 1e8
"""Three years: a model's file may say anything."""
_LEAST_S, _TIMES_AS_LONG = 5.0, 20.0


def sample_facts(folder: Path | None) -> dict[str, Any]:
    """How many drawn pictures wait to be named, where labels are made from nothing; `whole` once all are read."""
    if folder is None or not is_library(folder):
        return {"drawn": False}
    stats = library_stats(folder)
    samples = [run.id for run in stats.runs if run.kind == "label"]
    if not samples:
        return {"drawn": False}
    is_whole = stats.states[samples[-1]].ended is EndState.DONE
    return {
        "drawn": True,
        "whole": is_whole,
        "waiting": sum(stats.review.values()),
        "named": sum(stats.filed.values()),
    }


def model_facts(folder: Path | None) -> dict[str, Any] | None:
    """What the model is and how good on held-out labels; None where there is none."""
    if folder is None or not (folder / MANIFEST).is_file():
        return None
    try:
        manifest = load_manifest(folder)
        trained = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC).isoformat(timespec="seconds")
    except (IllsortError, OSError) as error:
        return in_both_languages("trouble", message_of(error))
    seconds = manifest.measured.get("finetune_seconds")
    expected = {"finetuneSeconds": seconds} if isinstance(seconds, int | float) and 0 < seconds < _MOST_SECONDS else {}
    count = len(manifest.categories)
    return {"categories": count, "trained": trained} | expected | _measured(folder, count)


def _measured(folder: Path, categories: int) -> dict[str, Any]:
    try:
        evaluation = read_evaluation(folder, categories=categories)
    except (IllsortError, OSError):
        return {}
    accuracy = evaluation.get("accuracy")
    return {} if accuracy is None else {"accuracy": accuracy, "heldOut": evaluation.get("count")}


def library_facts(library: Path | None) -> dict[str, Any] | None:
    """What was sorted and what waits, as it is on the disk unless a sort runs; None before the first sort."""
    if library is None or not is_library(library):
        return None
    _reconcile_now_and_then(library)
    try:
        stats = library_stats(library)
    except IllsortError as error:
        return in_both_languages("trouble", message_of(error))
    return {
        "sorts": sum(run.kind == "sort" and run.finished is not None for run in stats.runs),
        "filed": sum(stats.filed.values()),
        "review": sum(stats.review.values()),
        "unknown": stats.unknown,
        "copies": stats.copies + stats.copies_left,
        "answers": asdict(stats.answers),
        "broken": sum(stats.broken.values()),
        "categories": {displayable(name): count for name, count in stats.filed.items()},
        "audit": _audit(library),
        "preview": _preview(library),
    }


_RECONCILED: Final[dict[Path, tuple[float, float]]] = {}
"""By library: when it was last compared with the disk, and how long that took."""


def _reconcile_now_and_then(library: Path) -> None:
    """A comparison asks for every file: none follows the last one within 20 times as long as that took."""
    at, took = _RECONCILED.get(library, (-math.inf, 0.0))
    if (began := time.monotonic()) < at + _TIMES_AS_LONG * took + _LEAST_S:
        return
    reconcile_if_free(library)
    _RECONCILED[library] = time.monotonic(), time.monotonic() - began


def _preview(library: Path) -> dict[str, Any] | None:
    """What the last preview counted, unless a sort came after it."""
    try:
        found = last_preview(library)
    except IllsortError:
        return None
    if found is None or not found.is_current:
        return None
    table = found.numbers["table"]
    counts = {name: sum(row[name] for row in table) for name in ("filed", "review", "unknown")}
    counts["copies"] = sum(found.numbers.get(name, 0) for name in ("copies", "copies_left"))
    return counts | {"images": found.images, "sheet": (library / SHEET).is_file()}


def _audit(library: Path) -> dict[str, Any] | None:
    """The last audit; `current` is whether nothing was filed or moved since, of which it says nothing."""
    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
        if audit is None:
            return None
        from classifier.audit.session import Session  # noqa: PLC0415 - needs scipy, which takes a while

        session = Session(catalog, library, audit)
        state, is_current = session.state, session.is_current
    bound = in_both_languages("bound", state.bound().sentence) if state.asked else {}
    return {
        "source": audit.source and displayable(audit.source),
        "drawn": len(audit.drawn),
        "judged": state.asked,
        "finished": state.is_finished,
        "current": is_current,
        "until": None if audit.until is None else percent_up(audit.until),
        **bound,
    }
