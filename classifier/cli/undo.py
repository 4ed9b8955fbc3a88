"""`illsort undo`: take a run back."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli import interrupt
from classifier.cli.options import MOST, LibraryArgument, library_or_default, path_option
from classifier.i18n import _, count_
from classifier.paths import command

if TYPE_CHECKING:
    from classifier.filing.undo import UndoSummary


def undo(
    library: LibraryArgument = None,
    *,
    run: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="Its number in illsort status (default: the last run that changed files)."),
    ] = None,
    crawl: Annotated[
        Path | None,
        path_option(
            "--crawl", help_="The folder that pictures go back to; asked for where you did not sort it from here."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Take a run back: moved pictures return, links and copies go; what you changed since stays."""
    from classifier.cli.terminal import TerminalProgress, ask, print_json, print_lines
    from classifier.filing.undo import undo as run_undo

    library = library_or_default(library)
    interrupt.resumable_in(library)
    asks = None if as_json or not sys.stdin.isatty() else partial(ask, default=False)
    summary = run_undo(library, run=run, crawl=crawl, on_unnamed=asks, progress=TerminalProgress())
    print_lines(*_in_words(summary, library), err=as_json)
    if as_json:
        print_json(summary.as_dict())
    if summary.left:
        raise typer.Exit(1)


def _in_words(summary: UndoSummary, library: Path) -> list[str]:
    if summary.tried is None:
        return [_nothing_to_undo(summary, library), *_left(summary)]
    if summary.undone is None:
        nothing = _("nothing of run {run} could be taken back, so it is not undone", run=summary.tried)
        return [nothing, *_left(summary)]
    if not summary.taken_back and not summary.deleted:
        return [_("run {run} is undone already", run=summary.undone)]
    lines = [_undone(summary.undone, summary, library)]
    if summary.taken_back:
        lines.append(_("{command} makes its changes again", command=command("undo", library, "--run", summary.run)))
    lines += [f"  {line}" for line in _counts(summary)]
    for old, new in summary.elsewhere:
        lines.append("  " + _("{old}: another file has this name now, so it is {new}", old=old, new=new))
    return [*lines, *_left(summary)]


def _nothing_to_undo(summary: UndoSummary, library: Path) -> str:
    if summary.last_undo is None:
        return _("there is nothing to undo")
    again = command("undo", library, "--run", summary.last_undo)
    return _("there is nothing to undo; {command} takes the last undo back", command=again)


def _undone(run: int, summary: UndoSummary, library: Path) -> str:
    if not summary.left:
        return _("run {run} is undone", run=run)
    rest = command("undo", library, "--run", run)
    return _("run {run} is undone, but for what is left; {command} tries that again", run=run, command=rest)


def _counts(summary: UndoSummary) -> list[str]:
    restored, removed, again = summary.restored, summary.removed, summary.filed_again
    deleted, folders = summary.deleted, summary.folders_removed
    lines = [_("{count:,} moved back", count=restored)] if restored else []
    if removed:
        lines.append(count_("{count:,} link or copy removed", "{count:,} links and copies removed", count=removed))
    lines += [_("{count:,} filed again", count=again)] if again else []
    if deleted:
        lines.append(_("{count:,} already gone from the library, so there was nothing to take back", count=deleted))
    if folders:
        lines.append(count_("{count:,} empty folder removed", "{count:,} empty folders removed", count=folders))
    return lines


def _left(summary: UndoSummary) -> list[str]:
    """What stands in the way."""
    count = len(summary.left)
    lines = [_("{count:,} were left as they are:", count=count)] if count else []
    return [*lines, *(f"  {left.path}: {_(left.reason)}" for left in summary.left)]
