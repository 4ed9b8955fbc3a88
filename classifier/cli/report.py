"""`illsort report`: one page about a model or a library."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from classifier.cli.options import library_or_default, path_argument
from classifier.i18n import _


def report(
    path: Annotated[
        Path | None, path_argument("A model's folder, or a library (default: the library of illsort.toml).")
    ] = None,
    *,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Write report.html: how sure it is and whether that is true, what to label next; or what a library holds."""
    from classifier.cli.terminal import print_lines

    written = _write(library_or_default(path))
    print_lines(_("report: {path}", path=written))
    if open_:
        webbrowser.open(written.resolve().as_uri())


def _write(path: Path) -> Path:
    from classifier.catalog.connection import reported_as_library_error
    from classifier.catalog.filesystem import state_folder
    from classifier.errors import LibraryError
    from classifier.model.bundle_files import MANIFEST

    if (path / MANIFEST).is_file():
        from classifier.report.model_report import write_bundle_report

        return write_bundle_report(path)
    if state_folder(path).is_dir():
        from classifier.report.library_report import write_library_report

        with reported_as_library_error(path):
            return write_library_report(path)
    if not path.exists():
        raise LibraryError("{path}: there is no such folder", path=path)
    raise LibraryError(
        "{path}: is neither a model's folder (it has no {file}) nor a library that was sorted into",
        path=path,
        file=MANIFEST,
    )
