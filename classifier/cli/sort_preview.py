"""What `illsort sort --dry-run` prints: a table of the categories, and one line a picture only where asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.cli.sort_summary import exit_by, in_words
from classifier.cli.terminal import bar, print_json, print_lines, table
from classifier.errors import IllsortError, Message
from classifier.i18n import _
from classifier.paths import to_text

if TYPE_CHECKING:
    from classifier.progress import Progress
    from classifier.sort.planned_moves import PlannedMove, Show


def show_preview(crawl: Path, options: dict[str, Any], *, as_json: bool, json_lines: bool, verbose: bool) -> None:
    """Preview the sort with these options of `preview`; exit with 1 if any picture could not be read or planned."""
    progress: Progress = options["progress"]
    out: Path = options["library"]
    with progress.stage(Message("starting"), total=None, unit=""):
        from classifier.sort.last_preview import last_preview
        from classifier.sort.preview import preview
    summary = preview(crawl, **options, show=_show(as_json=as_json, json_lines=json_lines, verbose=verbose))
    sheet = _write_sheet(out, progress)
    aside = as_json or json_lines
    print_lines(*_table(summary), "", *in_words(summary, out, dry_run=True), "", err=aside)
    if sheet is not None:
        print_lines(_("contact sheet, with samples and a slider for the threshold: {path}", path=sheet), err=aside)
    print_lines(_("nothing was filed or moved; what was read is kept in {folder}", folder=out / ".illsort"), err=aside)
    if found := last_preview(out):
        print_lines(
            _("this files it so, and reads no picture again: {command}", command=found.sort_command()), err=aside
        )
    if as_json:
        print_json(summary | {"sheet": None if sheet is None else to_text(sheet)})
    exit_by(summary)


def _show(*, as_json: bool, json_lines: bool, verbose: bool) -> Show | None:
    """What prints each planned move, if anything does."""
    if json_lines:
        return lambda planned: print_json(planned.as_dict())
    return _line(as_json) if verbose else None


def _line(err: bool) -> Show:
    def show(planned: PlannedMove) -> None:
        print_lines(_(planned.message), err=err)

    return show


def _write_sheet(out: Path, progress: Progress) -> Path | None:
    """The contact sheet; where it cannot be written, the preview stands nevertheless."""
    from classifier.report.preview_sheet import write_preview_sheet

    try:
        return write_preview_sheet(out, progress)
    except IllsortError as error:
        progress.say(error.message)
        return None


def _table(summary: dict[str, Any]) -> list[str]:
    """How many pictures of each category would be filed, and how many would wait with it as the best guess."""
    rows = summary["table"]
    if not rows:
        return []
    most = max([1, *(row["filed"] for row in rows), *(row["review"] for row in rows)])
    lines: list[tuple[str, ...]] = [
        (
            row["category"] or _("(no guess yet)"),
            f"{row['filed']:,}",
            bar(row["filed"] / most),
            f"{row['review']:,}",
            f"{row['unknown']:,}",
        )
        for row in rows
    ]
    counts = [f"{sum(row[key] for row in rows):,}" for key in ("filed", "review", "unknown")]
    lines.append((_("all"), counts[0], "", *counts[1:]))
    head = (_("category"), _("would be filed"), "", _("would wait"), _("unlike every label"))
    return table(head, lines)
