"""`illsort verify`: check a library against its catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli.options import LibraryArgument, library_or_default
from classifier.errors import Message
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from classifier.filing.verify import VerifySummary

_MOST_YOURS = 5


def verify(
    library: LibraryArgument = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Trust size and time; read no picture.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Check that every picture is where it was put and as it was; changes nothing."""
    from classifier.cli.terminal import TerminalProgress, print_json, print_lines
    from classifier.filing.verify import verify as run_verify

    library = library_or_default(library)
    summary = run_verify(library, quick=quick, progress=TerminalProgress())
    print_lines(*_in_words(summary), err=as_json)
    if as_json:
        print_json(summary.as_dict())
    if summary.off:
        raise typer.Exit(1)


def _in_words(summary: VerifySummary) -> list[str]:
    from classifier.filing.reconcile import missing_messages

    off = Message("{count:,} off:", count=len(summary.off)) if summary.off else Message("all as they should be")
    lines = [count_("{count:,} file checked, {off}", "{count:,} files checked, {off}", count=summary.checked, off=off)]
    lines += [f"  {problem.path}: {_(problem.what)}" for problem in summary.off]
    lines += map(_, missing_messages(summary.missing))
    if summary.yours:
        lines.append(
            count_(
                "{count:,} file is yours: not put there by illsort, and left alone",
                "{count:,} files are yours: not put there by illsort, and left alone",
                count=len(summary.yours),
            )
        )
        lines += [f"  {path}" for path in summary.yours[:_MOST_YOURS]]
        lines += ["  ..."] if len(summary.yours) > _MOST_YOURS else []
    return lines
