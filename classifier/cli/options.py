"""The types of what is given on the command line: paths as a person means them, and numbers within their range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from classifier.paths import given_path

MOST = 2**31 - 1
"""Largest count that is taken: beyond it is a slip of the finger."""
MOST_SEED = 2**32 - 1


def path_argument(help_: str) -> Any:
    """A path that has to be given."""
    return typer.Argument(help=help_, parser=as_path)


def path_option(*names: str, help_: str) -> Any:
    """A path with a name before it."""
    return typer.Option(*names, help=help_, parser=as_path, metavar="PATH")


def as_path(text: str | Path) -> Path:
    """The path, or an error in one line that names it."""
    try:
        return given_path(text)
    except ValueError as error:
        shown = str(text)[:200]
        raise typer.BadParameter(f"'{shown}': {error}") from None
