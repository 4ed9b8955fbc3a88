"""`illsort status`: what a library holds, what waits, what failed and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli.options import LibraryArgument, library_or_default
from classifier.cli.sort_summary import in_parents
from classifier.cli.status_audit import audit_lines, audit_says_more, last_audit_as_dict
from classifier.cli.status_kept import kept_lines, thumbnail_bytes
from classifier.i18n import _, count_
from classifier.local_time import local_time
from classifier.paths import command

if TYPE_CHECKING:
    from classifier.catalog.page_answers import AnswerCounts
    from classifier.catalog.stats import LibraryStats

_MOST_FAILURES = 20
_MOST_RUNS = 12


def status(
    library: LibraryArgument = None,
    *,
    every_run: Annotated[bool, typer.Option("--runs", help="List every run, not only the newest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a library holds, what waits for you, what failed and why."""
    from classifier.catalog.connection import reported_as_library_error

    library = library_or_default(library)
    with reported_as_library_error(library):
        _show(library, every_run=every_run, as_json=as_json)


def _show(library: Path, *, every_run: bool, as_json: bool) -> None:
    from classifier.catalog.stats import library_stats
    from classifier.cli.terminal import TerminalProgress, print_json, print_lines
    from classifier.filing.reconcile import reconcile_if_free, report_reconciled

    report_reconciled(reconcile_if_free(library, progress := TerminalProgress()), progress)
    stats = library_stats(library)
    if as_json:
        beside = {"audit": last_audit_as_dict(library), "thumbnails": {"size_bytes": thumbnail_bytes(library)}}
        print_json(stats.as_dict() | beside)
        return
    for lines in (
        [*_runs(stats, library, every=every_run), *_to_finish(stats, library)],
        _previewed(stats, library),
        _categories(stats) if any(run.kind != "preview" for run in stats.runs) else [],
        _by_hand(library),
        kept_lines(stats, library),
        audit_lines(library),
        _failures(stats, library),
        _no_pictures(stats),
        _not_filed(stats),
    ):
        print_lines(*([*lines, ""] if lines else []))


def _runs(stats: LibraryStats, library: Path, *, every: bool = False) -> list[str]:
    from classifier.cli.terminal import table

    shown = stats.runs if every else stats.runs[-_MOST_RUNS:]
    rows = [
        (
            f"#{run.id} {_(run.kind)}",
            local_time(run.started),
            _(stats.states[run.id].message),
            f"{run.summary.get('pictures', 0):,}",
            _(run.mode),
            str(run.crawl),
        )
        for run in shown
    ]
    head = (_("run"), _("started"), _("state"), _("pictures"), _("mode"), _("crawl"))
    lines = table(head, rows)
    if earlier := len(stats.runs) - len(shown):
        lines.append(
            count_(
                "{count:,} earlier run: {command}",
                "{count:,} earlier runs: {command}",
                count=earlier,
                command=command("status", library, "--runs"),
            )
        )
    if stats.strictness.promise:
        promising = next(run for run in reversed(stats.runs) if run.strictness.promise)
        lines.append(_("#{run} promised {promise}", run=promising.id, promise=stats.strictness.promise))
    if stats.strictness.no_guarantee and not audit_says_more(library):
        lines.append(_(stats.strictness.no_guarantee))
    return lines


def _to_finish(stats: LibraryStats, library: Path) -> list[str]:
    """The commands that go on with what was stopped, or take back what was left of an undone run."""
    from classifier.catalog.runs import EndState

    lines = []
    for run in stats.runs:
        words = {
            "sort": ("sort", run.crawl, "--out", library),
            "preview": ("sort", run.crawl, "--out", library, "--dry-run"),
            "label": ("label", run.crawl, "--labels", library),
            "undo": ("undo", library, "--run", run.undoes),
        }.get(run.kind, (run.kind, library))
        ended = stats.states[run.id].ended
        if ended is EndState.UNFINISHED:
            lines.append(
                _(
                    "#{run} is not finished: unless it is still at work, {command} goes on with it",
                    run=run.id,
                    command=command(*words),
                )
            )
        if ended is EndState.PARTLY_UNDONE:
            again = command("undo", library, "--run", run.id)
            lines.append(_("#{run} is partly undone: {command} tries the rest again", run=run.id, command=again))
    return lines


def _previewed(stats: LibraryStats, library: Path) -> list[str]:
    """What the last preview planned, unless its crawl was sorted since."""
    if not any(run.kind == "preview" for run in stats.runs):
        return []
    from classifier.sort.last_preview import last_preview

    found = last_preview(library)
    lines = [] if any(run.kind != "preview" for run in stats.runs) else [_("nothing was filed yet")]
    if found is None or not found.is_current:
        return lines
    planned = _(
        "preview #{run}: {filed:,} of {count:,} pictures would be filed; {command} files them",
        run=found.run.id,
        filed=sum(row["filed"] for row in found.numbers["table"]),
        count=found.images,
        command=found.sort_command(),
    )
    return [*lines, planned]


def _categories(stats: LibraryStats) -> list[str]:
    from classifier.cli.terminal import bar, table
    from classifier.filing.reconcile import missing_messages

    most = max([*stats.filed.values(), *stats.review.values(), 1])
    names = sorted(stats.filed | stats.review, key=lambda name: (-stats.filed.get(name, 0), name))
    rows = [
        (
            name or _("(no guess yet)"),
            f"{stats.filed.get(name, 0):,}",
            bar(stats.filed.get(name, 0) / most),
            f"{stats.review.get(name, 0):,}",
        )
        for name in names
    ]
    rows.append((_("all"), f"{sum(stats.filed.values()):,}", "", f"{sum(stats.review.values()):,}"))
    lines = table((_("category"), _("filed"), "", _("wait for review")), rows)
    if stats.review_in_parents:
        lines.append(_(in_parents(stats.review_in_parents)))
    if stats.unknown:
        lines.append(_("{count:,} in _unknown: unlike every picture you labeled", count=stats.unknown))
    lines += _answers(stats.answers)
    if stats.outside:
        lines.append(_("{count:,} where you put them, outside of all categories", count=stats.outside))
    if stats.copies:
        lines.append(count_("{count:,} copy in _duplicates", "{count:,} copies in _duplicates", count=stats.copies))
    if stats.copies_left:
        lines.append(
            count_(
                "{count:,} copy of what is filed, left in the crawl",
                "{count:,} copies of what is filed, left in the crawl",
                count=stats.copies_left,
            )
        )
    if stats.duplicates:
        lines.append(count_("{count:,} duplicate of those", "{count:,} duplicates of those", count=stats.duplicates))
    if stats.not_moved:
        lines.append(
            _(
                "{count:,} could not be moved where they belong, and count where they lie; sort again",
                count=stats.not_moved,
            )
        )
    return [*lines, *map(_, missing_messages(stats.missing))]


def _answers(answers: AnswerCounts) -> list[str]:
    """What of those that wait by the disk the review page does not ask about."""
    lines = []
    if answers.of_no_category:
        lines.append(_("{count:,} in _unknown by your answer: none of these", count=answers.of_no_category))
    if answers.answered:
        lines.append(
            _("{count:,} answered by you and not filed yet: f on the review page files them", count=answers.answered)
        )
    if answers.skipped:
        lines.append(_("{count:,} skipped by you on the review page", count=answers.skipped))
    return lines


def _by_hand(library: Path) -> list[str]:
    """What the person did in the library and was not asked about; nothing while another process files there."""
    from classifier.filing.settle_changes import changes_if_free, how_to_answer

    changes = changes_if_free(library)
    return [] if changes is None or not changes.any else [_(how_to_answer(changes, library))]


def _failures(stats: LibraryStats, library: Path) -> list[str]:
    if not stats.failures:
        return []
    from classifier.cli.terminal import failure_line

    kinds = _(", ").join(_("{count:,} {kind}", count=count, kind=_(kind)) for kind, count in stats.broken.items())
    lines = [_("{count:,} could not be read ({kinds}):", count=len(stats.failures), kinds=kinds)]
    lines += [failure_line(path, failure) for path, failure in stats.failures[:_MOST_FAILURES]]
    if len(stats.failures) > _MOST_FAILURES and (library / "_broken.csv").is_file():
        lines.append("  " + _("the whole list is in _broken.csv"))
    return lines


def _no_pictures(stats: LibraryStats) -> list[str]:
    """The videos and archives in the crawls, as each one's last sort found them."""
    from classifier.images.walk_result import left_where_they_are

    last = {run.crawl: run.summary for run in stats.runs if run.kind == "sort" and run.summary}
    return [f"{crawl}: {_(message)}" for crawl, summary in last.items() for message in left_where_they_are(summary)]


def _not_filed(stats: LibraryStats) -> list[str]:
    if not stats.not_filed:
        return []
    lines = [_("{count:,} could not be filed; sort again to try again:", count=len(stats.not_filed))]
    return [*lines, *(f"  {path}: {_(reason)}" for path, reason in stats.not_filed[:_MOST_FAILURES])]
