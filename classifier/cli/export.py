"""`illsort export`: a library as a table, or a model as an ONNX file or a folder to publish, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classifier.cli.options import library_or_default, load_settings, path_argument, path_option
from classifier.errors import SettingsError
from classifier.i18n import _, count_

_STDOUT = Path("-")
_MOST_LEFT = 20


def export(
    path: Annotated[
        Path | None,
        path_argument("A library, or a model's folder with --onnx or --hub (default: that of illsort.toml)."),
    ] = None,
    *,
    to: Annotated[
        Path | None, path_option("--to", help_="A table of the library: .csv, .jsonl or .parquet; - prints JSON Lines.")
    ] = None,
    onnx: Annotated[Path | None, path_option("--onnx", help_="The network of a model as an ONNX file.")] = None,
    hub: Annotated[
        Path | None, path_option("--hub", help_="A model as a folder to publish, as the Hugging Face hub has timm's.")
    ] = None,
    xmp: Annotated[
        bool | None,
        typer.Option("--xmp/--no-xmp", help="An .xmp with the category beside each filed picture; or take ours away."),
    ] = None,
    txt: Annotated[
        bool | None,
        typer.Option("--txt/--no-txt", help="A .txt with the category beside each filed picture; or take ours away."),
    ] = None,
    caption: Annotated[
        bool | None,
        typer.Option(
            "--caption/--no-caption", help="The same as a caption, x.txt beside x.jpg, as kohya's trainers read it."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there (--to, --onnx, --hub).")] = False,
) -> None:
    """Write what is known of the pictures of a library, or a model's network, in the formats of other programs."""
    asked = {"xmp": xmp, "txt": txt, "caption": caption}
    tags = {kind: wanted for kind, wanted in asked.items() if wanted is not None}
    if sum(one is not None for one in (to, onnx, hub)) + bool(tags) != 1:
        raise SettingsError(
            "what is to be written? give one of --to FILE (a table), --onnx FILE (a network), --hub FOLDER (a model to "
            "publish) and --xmp, --txt or --caption (tags)"
        )
    if tags:
        _write_tags(library_or_default(path), tags)
    elif to is not None:
        _export_library(library_or_default(path), to, force=force)
    elif onnx is not None:
        _export_network(_model_or_default(path), onnx, force=force)
    elif hub is not None:
        _export_folder(_model_or_default(path), hub, force=force)


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


def _write_tags(library: Path, tags: dict[str, bool]) -> None:
    from classifier.catalog.connection import read_catalog
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.filing.reconcile import open_library
    from classifier.filing.tag_files import write_tag_files
    from classifier.filing.tag_formats import TagFormat

    progress = TerminalProgress()
    kinds, without = ([TagFormat(kind) for kind, wanted in tags.items() if wanted is one] for one in (True, False))
    read_catalog(library).close()  # looking for a library makes none
    with open_library(library, progress) as catalog:
        done = write_tag_files(catalog, library, kinds, progress, without=without)
    counts = (
        _("files with tags: {count:,} written", count=done.written),
        _("{count:,} as they were", count=done.unchanged),
        _("{count:,} removed", count=done.removed),
    )
    print_lines(_(", ").join(counts))
    if done.left:
        print_lines(_("{count:,} could not be written or removed:", count=len(done.left)))
        print_lines(*(f"  {left}: {_(why)}" for left, why in done.left[:_MOST_LEFT]))
        print_lines(*(["  ..."] if len(done.left) > _MOST_LEFT else []))
        raise typer.Exit(1)


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


def _export_folder(model: Path, to: Path, *, force: bool) -> None:
    from classifier.cli.terminal import print_lines
    from classifier.export.hub_folder import check_hub_target, write_hub_folder
    from classifier.model.bundle import open_bundle

    check_hub_target(to, force=force)
    write_hub_folder(open_bundle(model), to, force=force)
    print_lines(
        _(
            "model exported: {path}; look through its README.md, then: hf upload OWNER/NAME {path}",
            path=to,
        )
    )


def _model_or_default(given: Path | None) -> Path:
    """The model that was given, else that of the settings. Raises SettingsError when they name none."""
    folder = given or load_settings(None).model.folder
    if folder is None:
        raise SettingsError("which model? name its folder, or write it into illsort.toml: folder, under [model]")
    return folder
