"""Changes of earlier runs as they stand after a person renamed folders: an undo finds its files there."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog.categories import nfc, read_aliases
from classifier.catalog.category_folders import REVIEW, read_known
from classifier.catalog.manual_moves import folder_after_renaming, folder_of
from classifier.catalog.values import to_path
from classifier.category_names import SEPARATOR
from classifier.records import Method

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.moves import MoveRecord

_FROM_LIBRARY = frozenset({Method.RENAME, Method.REMOVE, Method.RESTORE})


class RenamedSince:
    """The folders of a library that a person renamed; what is found of a folder is kept."""

    def __init__(self, catalog: Catalog, library: Path) -> None:
        self._catalog = catalog
        self._library = library
        self._names = read_aliases(catalog, of_folders=True)
        self._known = read_known(catalog.connection)
        self._now: dict[bytes, bytes] = {}

    def follow(self, entry: MoveRecord) -> MoveRecord:
        """The change with the paths that its files have now, and get by an undo: in folders of the new names."""
        if not self._names.now:
            return entry
        source, target = entry.source, entry.target
        if entry.method in _FROM_LIBRARY:
            source = _within(self._folder_now(folder_of(source)), source)
        if target is not None and not to_path(target).is_absolute():
            folder = folder_after_renaming(self._catalog, entry.beside or entry.image_id, folder_of(target))
            target = _within(folder, target)
        return replace(entry, source=source, target=target, temporary=None)

    def _folder_now(self, folder: bytes) -> bytes:
        """The name that a person gave to a folder which is gone; itself if there is none."""
        if folder not in self._now:
            is_there = os.path.lexists(self._library / to_path(folder))
            self._now[folder] = folder if is_there else self._renamed(folder)
        return self._now[folder]

    def _renamed(self, folder: bytes) -> bytes:
        decided = self._known.decision_for(folder)
        old = "" if decided is None else nfc(decided[1])
        if not old or (new := self._new_name(old)) == old:
            return folder
        text = nfc(os.fsdecode(folder))
        waits = f"{REVIEW}/" if text.startswith(f"{REVIEW}/") else ""
        return os.fsencode(waits + new + text.removeprefix(waits + old))

    def _new_name(self, old: str) -> str:
        """Of a folder that only contains categories, what they agree on."""
        if (new := self._names.resolve(old)) != old:
            return new
        inside = [name.removeprefix(old) for name in self._names.now if name.startswith(old + SEPARATOR)]
        outer = {new.removesuffix(rest) for rest in inside if (new := self._names.resolve(old + rest)).endswith(rest)}
        return outer.pop() if len(outer) == 1 else old


def _within(folder: bytes, path: bytes) -> bytes:
    name = path.rpartition(b"/")[2]
    return folder + b"/" + name if folder else name
