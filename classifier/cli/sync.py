"""`illsort sync`: take note of what a person did to a library in the file manager, and learn from it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from classifier.cli.options import LibraryArgument, library_or_default, load_settings
from classifier.errors import SettingsError
from classifier.i18n import _


def sync(
    library: LibraryArgument = None,
    *,
    learn: Annotated[
        bool, typer.Option("--learn", help="Take it as labels, without a question; also what was left before.")
    ] = False,
    leave: Annotated[bool, typer.Option("--leave", help="Leave it as it is, and learn nothing from it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Take what you moved, renamed, put in and deleted in a library as it is now; moves no picture."""
    from classifier.catalog.categories import read_aliases
    from classifier.catalog.connection import read_catalog
    from classifier.catalog.library_changes import count_missing
    from classifier.catalog.manual_moves import reopen
    from classifier.cli.terminal import TerminalProgress, ask, print_json, print_lines
    from classifier.filing.reconcile import missing_messages, open_library
    from classifier.filing.settle_changes import Answer, settle_changes

    if learn and leave:
        raise SettingsError("--learn and --leave: give one of them")
    library, settings, progress = library_or_default(library), load_settings(None), TerminalProgress()
    answer = Answer.LEARN if learn else Answer.LEAVE if leave else None
    asks = None if as_json or not sys.stdin.isatty() else ask
    with read_catalog(library) as catalog:  # looking for a library makes none
        before = read_aliases(catalog)
    with open_library(library, progress) as catalog:
        if learn:
            reopen(catalog)  # who left it before may have changed their mind
        changes = settle_changes(catalog, library, settings, ask=asks, progress=progress, answer=answer)
        renamed = {old: new for old, new in read_aliases(catalog).now.items() if before.now.get(old) != new}
        missing = {what.value: count for what, count in count_missing(catalog).items()}
    lines = (
        []
        if changes.any
        else [_("nothing new to learn from: no picture was moved to another category or put in since it was answered")]
    )
    print_lines(*lines, *map(_, missing_messages(missing)), err=as_json)
    if as_json:
        print_json(changes.as_dict() | {"renamed": renamed, "missing": missing})
