"""Checks category names, which are folder names and must be valid on every system. Pure.

The name of a nested category has the names of its folders, the outermost first, with "/" between them on every system.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from classifier.errors import LabelsError, Message

MOST_LEVELS: Final = 3
SEPARATOR: Final = "/"
_FORBIDDEN = frozenset('<>:"/\\|?*')
_UNFILEABLE = frozenset("\\\0")
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)
_MAX_BYTES = 200  # leaves room below the 255 of most file systems


def ancestors(category: str) -> list[str]:
    """The categories that contain this one, the outermost first; none for one that is not nested."""
    parts = category.split(SEPARATOR)
    return [SEPARATOR.join(parts[:count]) for count in range(1, len(parts))]


def at_depth(category: str, depth: int) -> str:
    """The first `depth` levels of a category."""
    return SEPARATOR.join(category.split(SEPARATOR)[:depth])


def may_be_folder(part: str) -> bool:
    """Whether filing makes a folder of this name: one level of a category, which may not be valid on every system."""
    return bool(part) and part[0] not in "._" and not _UNFILEABLE & set(part)


def problem_with(name: str) -> Message | None:
    """Why the name is not allowed, as the end of a sentence; None if it is.

    Characters that cannot be seen, such as controls, direction marks and lone surrogates, are not allowed.
    """
    parts = name.split(SEPARATOR)
    if len(parts) > MOST_LEVELS:
        return Message("has {count} levels; {most} are the most", count=len(parts), most=MOST_LEVELS)
    if len(parts) > 1 and "" in parts:
        return Message("has a level without a name")
    return next((problem for part in parts if (problem := _problem_with_part(part)) is not None), None)


def _problem_with_part(name: str) -> Message | None:
    bad = [character for character in name if character in _FORBIDDEN or not character.isprintable()]
    if bad:
        return Message("contains {character!r}, which cannot be part of a folder name everywhere", character=bad[0])
    if not name:
        return Message("begins with '', which is kept for illsort's own folders")
    if name[0] in "._":
        return Message("begins with {character!r}, which is kept for illsort's own folders", character=name[0])
    if name != name.strip() or name.endswith("."):
        return Message("begins or ends with a space or a dot")
    if name.partition(".")[0].casefold() in _WINDOWS_DEVICES:
        return Message("is the name of a device on Windows")
    return Message("is too long") if len(name.encode(errors="surrogateescape")) > _MAX_BYTES else None


def twins_among(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that differ only in case or in how Unicode writes them, which are one folder on some systems.

    Of nested categories, the folders that contain them count too.
    """
    by_key: dict[str, str] = {}
    for name in [folder for category in names for folder in (*ancestors(category), category)]:
        twin = by_key.setdefault(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()), name)
        if twin != name:
            return twin, name
    return None


def check_names(categories: list[str], *, where: str = "") -> None:
    """Raise LabelsError if a name cannot be a folder name everywhere, or two are one folder on some systems."""
    if (problem := _first_problem(categories)) is not None:
        raise LabelsError("{where}: {why}", where=where, why=problem) if where else LabelsError(problem)


def _first_problem(categories: list[str]) -> Message | None:
    for name in categories:
        if (problem := problem_with(name)) is not None:
            return Message("the category name {name!r} {why}; rename it", name=name, why=problem)
    if (twins := twins_among(categories)) is not None:
        one, other = twins
        return Message("{one!r} and {other!r} are one folder on Windows and macOS; rename one", one=one, other=other)
    return None
