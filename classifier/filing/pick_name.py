"""Chooses a name that no file has yet, and knows a picture that lies there already; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.filing.file_checks import holds, is_link_to, look
from classifier.filing.results import Outcome, Status
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from classifier.records import Move


def choose_name(move: Move, names: tuple[str, ...], *, folder: Path, taken: Container[Path]) -> int | Outcome:
    """The index of the first free name in `folder`; or the outcome, when a name holds this picture or none is free."""
    for index, name in enumerate(names):
        path = folder / name
        if path in taken:
            continue
        found = look(path)
        if found is None:
            return index
        method = _same_already(move, path, found.st_size)
        if method is not None:
            return _already_there(move, path.name, method)
    return Outcome(move=move, status=Status.FAILED, reason="every name for it is taken by another file")


def _same_already(move: Move, path: Path, size_bytes: int) -> Method | None:
    """How a taken name comes to hold this picture, None when it holds something else.

    What is renamed or restored never meets itself: an equal file beside it is another, and both are kept.
    """
    if move.method in {Method.RENAME, Method.RESTORE}:
        return None
    if move.method is Method.SYMLINK and is_link_to(path, move.source.path):
        return Method.SYMLINK
    if size_bytes == move.source.size_bytes and holds(path, move.picture):
        return Method.LINK if path.samefile(move.source.path) else Method.COPY
    return None


def _already_there(move: Move, name: str, method: Method) -> Outcome:
    keeps_source = move.method is Method.MOVE
    return Outcome(
        move=move,
        status=Status.DUPLICATE if keeps_source else Status.PLACED,
        path=move.folder / name,
        method=method,
        reason="the same picture lies there already" + (", so this one was left where it is" if keeps_source else ""),
    )
