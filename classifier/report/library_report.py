"""The report of a library: counts, confidences, the last guarantee and the last audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.audit.estimate import AuditState
from classifier.audit.session import audit_guarantee
from classifier.catalog import annotation_log, audits
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.runs import EndState, last_promise
from classifier.catalog.stats import count_confidences, library_stats
from classifier.filing.generated_files import write_generated
from classifier.filing.reconcile import reconcile_if_free
from classifier.progress import percent_up
from classifier.records import Action, FailureKind
from classifier.report.i18n import both, method_in_chinese, no_guarantee_reason
from classifier.report.svg import confidence_histogram
from classifier.report.template import NAME, render

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.audit.estimate import Bound
    from classifier.catalog.stats import LibraryStats

_BINS: Final = 20
_MOST_RUNS: Final = 20
_KINDS: Final = {
    FailureKind.EMPTY: "空文件",
    FailureKind.NOT_A_PICTURE: "不是图片",
    FailureKind.UNSUPPORTED: "不支持的格式",
    FailureKind.CORRUPT: "已损坏",
    FailureKind.TOO_LARGE: "过大",
    FailureKind.UNREADABLE: "无法打开",
    FailureKind.VANISHED: "已消失",
    FailureKind.TIMEOUT: "耗时过长",
    FailureKind.CRASHED: "使解码器崩溃",
    FailureKind.MEMORY: "内存不足",
}
_ENDED: Final = {
    EndState.DONE: "完成",
    EndState.UNFINISHED: "未完成",
    EndState.FINISHED_BY: "由 #{} 完成",
    EndState.UNDONE: "已撤销",
    EndState.PARTLY_UNDONE: "部分撤销",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One category: pictures filed there, those that wait with it as the best guess, and what an audit says of it."""

    category: str
    filed: int
    review: int
    bound: Bound | None


def write_library_report(library: Path) -> Path:
    """Write `<library>/report.html`, over an earlier report that nobody changed; returns its path.

    Raises LibraryError in one line when it is no library, is in use, or a file of another's bears that name;
    FilingStopped when the disk refuses.
    """
    reconcile_if_free(library)
    page = library_page(library).encode()
    with hold_lock(library), open_catalog(library) as catalog:
        return write_generated(catalog, library=library, name=NAME, content=page)


def library_page(library: Path) -> str:
    """The page as text; reads the catalog and no picture."""
    seen = library_stats(library)
    audit, is_current = _audit(library)
    filed, review = _confidences(library)
    rows = _rows(seen, audit)
    return render(
        "library.html",
        name=library.resolve().name,
        seen=seen,
        runs=seen.runs[: -_MOST_RUNS - 1 : -1],
        filed=sum(seen.filed.values()),
        waiting=sum(seen.review.values()),
        unreadable=len(seen.failures),
        rows=rows,
        most=max([1, *(row.filed + row.review for row in rows)]),
        histogram=confidence_histogram(filed, review) if any(filed) or any(review) else None,
        promise=seen.strictness.promise,
        told=_last_guarantee(library),
        no_guarantee=None if _has_audit_guarantee(library) or seen.strictness.no_guarantee is None else seen.strictness,
        why_no_guarantee=no_guarantee_reason,
        in_chinese=method_in_chinese,
        audit=None if audit is None else audit.audit,
        bound=None if audit is None else audit.bound(),
        is_current=is_current,
        percent_up=percent_up,
        ended_in_chinese=_ENDED,
        kinds={kind.value: both(kind.value, _KINDS[kind]) for kind in FailureKind},
    )


def _audit(library: Path) -> tuple[AuditState | None, bool]:
    """The last audit when anything was answered in it, and whether nothing was filed since."""
    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
        if audit is None:
            return None, False
        state = AuditState(audit, annotation_log.of_audit(catalog, audit.id))
        return state if state.asked else None, audits.marks(catalog) == audit.marks


def _has_audit_guarantee(library: Path) -> bool:
    """Whether an audit shows what the last sort could not guarantee: then that is told."""
    with read_catalog(library) as catalog:
        return audit_guarantee(catalog, library) is not None


def _last_guarantee(library: Path) -> dict[str, Any] | None:
    """The parts of what the last run promised; None where it promised nothing, or did not record all of them."""
    with read_catalog(library) as catalog:
        told = last_promise(catalog)
    return told if {"max_error", "confidence", "pictures", "how"} <= told.keys() else None


def _rows(seen: LibraryStats, audit: AuditState | None) -> list[Row]:
    """Largest first."""
    names = sorted(seen.filed | seen.review, key=lambda name: (-seen.filed.get(name, 0), name))
    bounds = {} if audit is None else {bound.category: bound for bound in audit.bounds() if bound.asked}
    return [
        Row(
            category=name,
            filed=seen.filed.get(name, 0),
            review=seen.review.get(name, 0),
            bound=bounds.get(name),
        )
        for name in names
    ]


def _confidences(library: Path) -> tuple[list[int], list[int]]:
    """How many pictures were filed, and how many wait, in equal bins of confidence."""
    counts = {Action.FILE: [0] * _BINS, Action.REVIEW: [0] * _BINS}
    with read_catalog(library) as catalog:
        for action, place, count in count_confidences(catalog, bins=_BINS):
            if action in counts:
                counts[Action(action)][place] += count
    return counts[Action.FILE], counts[Action.REVIEW]
