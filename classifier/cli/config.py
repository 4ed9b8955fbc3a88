"""`illsort config`: the settings in force, and where each comes from; `illsort init`: a file for a project's paths."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli.options import ConfigOption, SetOption, load_settings, path_option
from classifier.errors import Message
from classifier.i18n import _
from classifier.paths import command

if TYPE_CHECKING:
    from classifier.settings import Settings


def config(
    *,
    file: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the settings in force in this folder, and where each comes from."""
    from classifier.cli.terminal import print_json, print_lines
    from classifier.project import project_file
    from classifier.settings import layers

    chosen = load_settings(file, set_)
    origins = {
        f"{section}.{key}": layer.origin
        for layer in layers(file, set_, project=project_file())
        for section, values in layer.values.items()
        for key in values
    }
    if as_json:
        print_json(_as_dict(chosen, origins))
    else:
        print_lines(*_as_toml(chosen, origins))


def init(
    *,
    crawl: Annotated[Path | None, path_option("--crawl", help_="Your unsorted pictures (default: asked for).")] = None,
    labels: Annotated[
        Path | None, path_option("--labels", "-l", help_="Your labeled pictures, a folder for each category.")
    ] = None,
    model: Annotated[Path | None, path_option("--model", "-m", help_="Where the model goes.")] = None,
    out: Annotated[Path | None, path_option("--out", "-o", help_="The library: the folder to sort into.")] = None,
) -> None:
    """Write illsort.toml into this folder: its paths are taken by every command that runs here."""
    from classifier.cli.terminal import print_lines
    from classifier.project import create_project

    if crawl is None and sys.stdin.isatty():
        crawl = _asked()
    paths = {
        "labels.folder": labels or Path("labels"),
        "model.folder": model or Path("model"),
        "sort.library": out or Path("sorted"),
    }
    paths = paths if crawl is None else {"sort.crawl": crawl, **paths}
    file = create_project(Path(), paths)
    print_lines(_("written: {path}", path=file), *(f"  {name} = {path}" for name, path in paths.items()))
    if crawl is None:
        print_lines(_("write into it where your unsorted pictures are: crawl, under [sort]"))
    steps = ("doctor", "label", "train", "sort", "review")
    print_lines("", _("Next, in this folder:"), *(f"  {command(step)}" for step in steps))


def _asked() -> Path:
    """The crawl, asked for until a folder is named."""
    from classifier.cli.options import as_path
    from classifier.cli.terminal import ask_text, print_lines

    while True:
        given = ask_text(Message("Where are your unsorted pictures?"))
        try:
            folder = as_path(given.strip("\"'"))  # a path that is dragged into a terminal comes in quotes
        except typer.BadParameter as error:
            print_lines(error.message, err=True)
            continue
        if folder.is_dir():
            return folder
        print_lines(_("{folder}: there is no such folder", folder=folder), err=True)


def _as_dict(chosen: Settings, origins: dict[str, str]) -> dict[str, Any]:
    values = chosen.model_dump(mode="json")
    return {
        f"{section}.{key}": {"value": value, "origin": origins.get(f"{section}.{key}")}
        for section, of_section in values.items()
        for key, value in of_section.items()
    }


def _as_toml(chosen: Settings, origins: dict[str, str]) -> list[str]:
    """The settings as TOML that can be used as a file again; behind each value where it comes from."""
    from classifier.settings import toml_line

    lines: list[str] = []
    for section, of_section in chosen:
        lines += [*([""] if lines else []), f"[{section}]"]
        for key, value in of_section:
            origin = origins.get(f"{section}.{key}")
            shown = _("default") if origin is None else origin
            lines.append(f"{toml_line(key, value)}  # {shown}")
    return lines
