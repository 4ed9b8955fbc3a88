"""`illsort export`: a library as a table, or a model as an ONNX file, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classifier.cli.options import library_or_default, load_settings, path_argument, path_option
from classifier.errors import SettingsError
from classifier.i18n import _, count_

_STDOUT = Path("-")


def export(
    path: Annotated[
        Path | None, path_argument("A library, or a model's folder with --onnx (default: that of illsort.toml).")
    ] = None,
    *,
    to: Annotated[
        Path | None, path_option("--to", help_="A table of the library: .csv, .jsonl or .parquet; - prints JSON Lines.")
    ] = None,
    onnx: Annotated[Path | None, path_option("--onnx", help_="The network of a model as an ONNX file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write what is known of each picture of a library as a table, or a model's network as ONNX, for other programs."""
    if (to is None) == (onnx is None):
        raise SettingsError("what is to be written? give one of --to FILE (a table) and --onnx FILE (a network)")
    if to is not None:
        _export_library(library_or_default(path), to, force=force)
    elif onnx is not None:
        _export_network(_model_or_default(path), onnx, force=force)


def _export_library(library: Path, to: Path, *, force: bool) -> None:
    from classifier.cli.terminal import TerminalProgress, print_json_lines, print_lines
    from classifier.export.library_table import export_library
    from classifier.export.new_file import new_file
    from classifier.export.table_formats import table_writer
    from classifier.filing.reconcile import reconcile_if_free, report_reconciled

    write, progress = None if to == _STDOUT else table_writer(to), TerminalProgress()
    report_reconciled(reconcile_if_free(library, progress), progress)
    if write is None:
        export_library(library, lambda rows: print_json_lines(row._asdict() for row in rows), progress)
        return
    with new_file(to, force=force) as file:
        count = export_library(library, lambda rows: write(file, rows), progress)
    print_lines(
        count_("{count:,} picture exported: {path}", "{count:,} pictures exported: {path}", count=count, path=to)
    )


def _export_network(folder: Path, to: Path, *, force: bool) -> None:
    from classifier.cli.terminal import print_lines
    from classifier.export.new_file import check_target, new_file
    from classifier.model.bundle import open_bundle
    from classifier.model.onnx_cache import check_onnx_target

    check_onnx_target(to)
    check_target(to, force=force)
    bundle = open_bundle(folder)
    from classifier.inference.onnx_file import export_network  # torch takes seconds: only for what can be exported

    made = export_network(bundle)
    with new_file(to, force=force) as file:
        file.write(made.content)
    print_lines(
        _(
            "network exported: {path}; it answers as torch does for {images} drawn pictures (the largest difference is "
            "{difference} of the largest number)",
            path=to,
            images=made.comparison.images,
            difference=format(made.comparison.difference, ".0e"),
        )
    )


def _model_or_default(given: Path | None) -> Path:
    """The model that was given, else that of the settings. Raises SettingsError when they name none."""
    folder = given or load_settings(None).model.folder
    if folder is None:
        raise SettingsError("which model? name its folder, or write it into illsort.toml: folder, under [model]")
    return folder
