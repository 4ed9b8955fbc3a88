"""`illsort.toml`: the settings of all commands that run in its folder, its paths above all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from classifier import settings
from classifier.errors import SettingsError, message_of
from classifier.own_files import write_own

PROJECT_FILE: Final = "illsort.toml"
_HEAD: Final = "Settings of illsort for the commands that run in this folder; what is in force: illsort config"
_COMMENTS: Final = {
    "labels.folder": "<category>/<picture>",
    "model.folder": "training writes it, sorting reads it",
    "sort.crawl": "the unsorted pictures",
    "sort.library": "the folder that is sorted into",
}


def project_file(folder: Path = Path()) -> Path | None:
    """The file of the project in `folder`; None where there is none."""
    file = folder / PROJECT_FILE
    return file if file.is_file() else None


def create_project(folder: Path, values: Mapping[str, Path]) -> Path:
    """Write a project's file with paths by the names of their settings; the file.

    Raises SettingsError when there is one already, or when a value is not valid.
    """
    file = folder / PROJECT_FILE
    if file.exists() or file.is_symlink():
        raise SettingsError("{file}: there is one already; edit it, or remove it first", file=file)
    document = tomlkit.document()
    document.add(tomlkit.comment(_HEAD))
    return _write(file, _changed(document, values))


def change_project(file: Path, values: Mapping[str, Path]) -> None:
    """Set paths in a project's file, by the names of their settings; all else in it stays as it is written.

    Raises SettingsError when the file cannot be read, or a value is not valid.
    """
    settings.load(file)
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8-sig"))
    except (TOMLKitError, ValueError) as error:
        raise SettingsError("{config}: is no TOML: {why}", config=file, why=message_of(error)) from None
    _write(file, _changed(document, values))


def _changed(document: tomlkit.TOMLDocument, values: Mapping[str, Path]) -> tomlkit.TOMLDocument:
    for name, path in values.items():
        section, _, key = name.partition(".")
        if section not in document:
            document.add(section, tomlkit.table())
        table = document[section]
        is_new = key not in table
        table[key] = _quoted(str(path))
        if is_new and name in _COMMENTS:
            table[key].comment(_COMMENTS[name])
    return document


def _quoted(text: str) -> tomlkit.items.String:
    r"""In single quotes where that is possible: a person who edits `C:\pictures` need not know of escapes."""
    is_plain = "'" not in text and text.isprintable()
    return tomlkit.string(text, literal=is_plain)


def _write(file: Path, document: tomlkit.TOMLDocument) -> Path:
    text = tomlkit.dumps(document)
    settings.check(text, file)
    write_own(file, text.encode())
    return file
