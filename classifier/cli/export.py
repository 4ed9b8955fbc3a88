"""`illsort export`: a library as a table for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classifier.cli.options import LibraryArgument, library_or_default, path_option
from classifier.i18n import count_

_STDOUT = Path("-")


def export(
    library: LibraryArgument = None,
    *,
    to: Annotated[
        Path | None, path_option("--to", help_="The file to write: .csv, .jsonl or .parquet; - prints JSON Lines.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write what is known of each picture of a library as a table: category, confidence, your answers, hash, size."""
    from classifier.cli.terminal import TerminalProgress, print_json_lines, print_lines
    from classifier.errors import SettingsError
    from classifier.export.library_table import export_library
    from classifier.export.new_file import new_file
    from classifier.export.table_formats import table_writer
    from classifier.filing.reconcile import reconcile_if_free, report_reconciled

    if to is None:
        raise SettingsError("which file? name it with --to, ending in .csv, .jsonl or .parquet; - prints JSON Lines")
    write = None if to == _STDOUT else table_writer(to)
    library, progress = library_or_default(library), TerminalProgress()
    report_reconciled(reconcile_if_free(library, progress), progress)
    if write is None:
        export_library(library, lambda rows: print_json_lines(row._asdict() for row in rows), progress)
        return
    with new_file(to, force=force) as file:
        count = export_library(library, lambda rows: write(file, rows), progress)
    print_lines(
        count_("{count:,} picture exported: {path}", "{count:,} pictures exported: {path}", count=count, path=to)
    )
