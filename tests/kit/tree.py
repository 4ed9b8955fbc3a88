"""Folders as dictionaries: a name to bytes (a file) or to another dictionary (a folder)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from pathlib import Path

Tree = dict[str, Union[bytes, "Tree"]]
MARKUP = "<b>&" if os.name == "posix" else "&lt;b&gt;&"
"""Part of a name that HTML would read as markup; Windows lets no name have `<`."""


def make_tree(folder: Path, tree: Tree) -> Path:
    """Write `tree` under `folder` (made when missing) and return `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        if isinstance(content, dict):
            make_tree(folder / name, content)
        else:
            (folder / name).write_bytes(content)
    return folder


def read_tree(folder: Path, *, hidden: bool = False) -> Tree:
    """The files under `folder`; `.illsort` and other dotted names only when `hidden`."""
    return {
        entry.name: read_tree(entry, hidden=hidden) if entry.is_dir() and not entry.is_symlink() else entry.read_bytes()
        for entry in sorted(folder.iterdir())
        if hidden or not entry.name.startswith(".")
    }


def all_files(folder: Path) -> dict[str, bytes]:
    """Every visible file under `folder`, flat: relative posix path to bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
