"""Options and argument types that several commands share: paths, settings, and numbers within their range."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from classifier.errors import message_of
from classifier.i18n import _
from classifier.paths import given_path

MOST = 2**31 - 1
"""Largest count that is accepted."""
MOST_SEED = 2**32 - 1


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


ConfigOption = Annotated[Path | None, path_option("--config", "-c", help_="TOML file with settings.")]
SetOption = Annotated[
    list[str], typer.Option("--set", "-s", help="One setting, over the file: section.key=value; can be repeated.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also say what was chosen for this machine, and why.")]
Excluded = Annotated[
    list[str],
    typer.Option("--exclude", metavar="GLOB", help="Pass over what matches, as in .gitignore; may be given again."),
]
