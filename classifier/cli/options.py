"""Options and arguments that several commands share: paths, settings, and numbers within their range.

A crawl or a library that is not named is the one that `illsort.toml` in the current folder names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.errors import Message, SettingsError, message_of
from classifier.i18n import _
from classifier.paths import given_path
from classifier.records import Mode

if TYPE_CHECKING:
    from classifier.settings import Settings

MOST = 2**31 - 1
"""Largest count that is accepted."""
MOST_SEED = 2**32 - 1
MODES = "|".join(Mode)


def path_argument(help_: str) -> Any:
    """A required path."""
    return typer.Argument(help=help_, parser=as_path)


def path_option(*names: str, help_: str) -> Any:
    """A path as a named option."""
    return typer.Option(*names, help=help_, parser=as_path, metavar="PATH")


def as_path(text: str | Path) -> Path:
    """The path with `~` expanded.

    Raises:
        typer.BadParameter: The path is empty, too long or holds a NUL; the message is one line and names it.

    """
    try:
        return given_path(text)
    except ValueError as error:
        raise typer.BadParameter(_("'{given}': {why}", given=str(text)[:200], why=message_of(error))) from None


def load_settings(
    config: Path | None, overrides: Sequence[str] = (), options: Mapping[str, Any] | None = None
) -> Settings:
    """The settings in force for a command; see `settings.load`."""
    from classifier import settings
    from classifier.project import project_file

    return settings.load(config, overrides, project=project_file(), options=options)


def crawl_in(settings: Settings) -> Path:
    """The crawl of the settings. Raises SettingsError when they name none."""
    which = Message(
        "which crawl? name its folder, or write it into {file} (illsort init): crawl, under [sort]",
        file=_project_name(),
    )
    return _named(settings.sort.crawl, which)


def library_in(settings: Settings) -> Path:
    """The library of the settings. Raises SettingsError when they name none."""
    which = Message(
        "which library? name its folder, or write it into {file} (illsort init): library, under [sort]",
        file=_project_name(),
    )
    return _named(settings.sort.library, which)


def model_in(settings: Settings) -> Path:
    """The model of the settings. Raises SettingsError when they name none."""
    if settings.model.folder is None:
        raise SettingsError("which model? name its folder, or write it into illsort.toml: folder, under [model]")
    return settings.model.folder


def _named(folder: Path | None, which: Message) -> Path:
    if folder is None:
        raise SettingsError(which)
    return folder


def library_or_default(given: Path | None) -> Path:
    """The library that was given, else that of `illsort.toml`, which is then said on stderr.

    Raises SettingsError when that names none.
    """
    if given is not None:
        return given
    from classifier.cli.terminal import print_lines

    library = library_in(load_settings(None))
    print_lines(_("library: {folder} ({file})", folder=library, file=_project_name()), err=True)
    return library


def _project_name() -> str:
    from classifier.project import PROJECT_FILE

    return PROJECT_FILE


LibraryArgument = Annotated[
    Path | None, path_argument("The folder that was sorted into (default: that of illsort.toml).")
]
ConfigOption = Annotated[
    Path | None, path_option("--config", "-c", help_="TOML file with settings, or a recipe's name: anime, cpu, ...")
]
SetOption = Annotated[
    list[str], typer.Option("--set", "-s", help="One setting, over the file: section.key=value; can be repeated.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also say what was chosen for this machine, and why.")]
Excluded = Annotated[
    list[str],
    typer.Option("--exclude", metavar="GLOB", help="Pass over what matches, as in .gitignore; may be given again."),
]
