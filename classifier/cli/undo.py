"""`illsort undo`: take a run back."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli import interrupt
from classifier.cli.options import MOST, path_argument, path_option

if TYPE_CHECKING:
    from classifier.filing.undo import UndoSummary


def undo(
    library: Annotated[Path, path_argument("The folder that was sorted into.")],
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

    interrupt.resumable_in(library)
    asks = None if as_json or not sys.stdin.isatty() else partial(ask, default=False)
    summary = run_undo(library, run=run, crawl=crawl, on_unnamed=asks, progress=TerminalProgress())
    print_lines(*_in_words(summary, library), err=as_json)
    if as_json:
        print_json(summary.as_dict())
    if summary.left:
        raise typer.Exit(1)


def _in_words(summary: UndoSummary, library: Path) -> list[str]:
    from classifier.paths import command

    if summary.tried is None:
        again = summary.last_undo
        takes_back = "" if again is None else f"; {command('undo', library, '--run', again)} takes the last undo back"
        return [f"there is nothing to undo{takes_back}", *_left(summary)]
    if summary.undone is None:
        return [f"nothing of run {summary.tried} could be taken back, so it is not undone", *_left(summary)]
    if not summary.taken_back and not summary.deleted:
        return [f"run {summary.undone} is undone already"]
    counts = [
        f"  {count:,} {what}"
        for count, what in (
            (summary.restored, "moved back"),
            (summary.removed, "links and copies removed"),
            (summary.filed_again, "filed again"),
            (summary.deleted, "already gone from the library, so there was nothing to take back"),
            (summary.folders_removed, "empty folders removed"),
        )
        if count
    ]
    rest = command("undo", library, "--run", summary.undone)
    but = f", but for what is left; {rest} tries that again" if summary.left else ""
    lines = [f"run {summary.undone} is undone{but}"]
    lines += [f"{command('undo', library, '--run', summary.run)} makes its changes again"] if summary.taken_back else []
    lines += [*counts, *(f"  {old}: another file has this name now, so it is {new}" for old, new in summary.elsewhere)]
    return [*lines, *_left(summary)]


def _left(summary: UndoSummary) -> list[str]:
    """What stands in the way."""
    lines = [f"{len(summary.left):,} were left as they are:"] if summary.left else []
    return [*lines, *(f"  {left.path}: {left.reason}" for left in summary.left)]
