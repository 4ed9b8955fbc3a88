"""What may be the name of a category: labels, the review page and bundles ask here, so that they agree.

A category's name is a folder's name, and must be a good one on every system. Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_FORBIDDEN = frozenset('<>:"/\\|?*')
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)
_MAX_BYTES = 200  # leaves room below the 255 of most file systems


def problem_with(name: str) -> str | None:
    """Why a category cannot be called so, as the end of a sentence; None when it can.

    Controls, direction marks, lone surrogates and whatever else cannot be seen are among what is refused.
    """
    bad = [character for character in name if character in _FORBIDDEN or not character.isprintable()]
    if bad:
        return f"contains {bad[0]!r}, which cannot be part of a folder name everywhere"
    if name[:1] in ("", ".", "_"):
        return f"begins with {name[:1]!r}, which is kept for illsort's own folders"
    if name != name.strip() or name.endswith("."):
        return "begins or ends with a space or a dot"
    if name.partition(".")[0].casefold() in _WINDOWS_DEVICES:
        return "is the name of a device on Windows"
    return "is too long" if len(name.encode(errors="surrogateescape")) > _MAX_BYTES else None


def twins_among(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that differ only in case or in how Unicode writes them, which are one folder on some systems."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()), name)
        if twin != name:
            return twin, name
    return None
