"""`illsort.toml`: the settings of all commands that run in its folder, its paths above all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Comment, InlineTable, Table, Whitespace

from classifier import settings
from classifier.errors import SettingsError, message_of
from classifier.own_files import write_own

PROJECT_FILE: Final = "illsort.toml"
_MARK: Final = "\ufeff"
"""Editors of Windows begin a file with it."""
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
    text = tomlkit.dumps(_changed(document, values))
    if "sort.crawl" not in values:
        text = text.replace("[sort]\n", f"[sort]\n# crawl = '/folder'  # {_COMMENTS['sort.crawl']}\n")
    return _write(file, text)


def change_project(file: Path, values: Mapping[str, Path | int]) -> None:
    """Set paths and numbers in a project's file, by the names of their settings; all else in it stays as it is written.

    Raises SettingsError when the file cannot be read, or a value is not valid.
    """
    settings.load(file)
    file = file.resolve()  # of a link, what it leads to
    if not os.access(file, os.W_OK):
        raise SettingsError("{file}: it is read-only", file=file)
    before = file.read_bytes().decode()
    try:
        document = tomlkit.parse(before.removeprefix(_MARK))
    except (TOMLKitError, ValueError) as error:
        raise SettingsError("{config}: is no TOML: {why}", config=file, why=message_of(error)) from None
    text = tomlkit.dumps(_changed(document, values))
    if "\r\n" in before:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    _write(file, _MARK + text if before.startswith(_MARK) else text)


def _changed(document: tomlkit.TOMLDocument, values: Mapping[str, Path | int]) -> tomlkit.TOMLDocument:
    for name, value in values.items():
        section, _, key = name.partition(".")
        if section not in document:
            document.add(section, tomlkit.table())
        table = document[section]
        is_new = key not in table
        with _comments_below(table):
            table[key] = value if isinstance(value, int) else _quoted(str(value))
        if is_new and name in _COMMENTS and not isinstance(table, InlineTable):
            table[key].comment(_COMMENTS[name])
    return document


@contextmanager
def _comments_below(table: object) -> Iterator[None]:
    """Leave what ends a section below a key that is added to it: often it is about the section that follows."""
    body = table.value.body if isinstance(table, Table) else []
    count = 0
    while count < len(body) and isinstance(body[-1 - count][1], Comment | Whitespace):
        count += 1
    below = body[len(body) - count :]
    del body[len(body) - count :]
    yield
    body.extend(below)


def _quoted(text: str) -> tomlkit.items.String:
    r"""In single quotes where that is possible: a person who edits `C:\pictures` need not know of escapes."""
    is_plain = "'" not in text and text.isprintable()
    return tomlkit.string(text, literal=is_plain)


def _write(file: Path, text: str) -> Path:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise SettingsError("{file}: a path in it is no Unicode, which TOML cannot hold", file=file) from None
    settings.check(text.removeprefix(_MARK), file)
    write_own(file, content)
    return file
