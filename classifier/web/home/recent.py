"""The projects that this person opened, the newest first: a file in their own state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_state_path

from classifier.own_files import READ, open_own, write_own
from classifier.paths import from_text, to_json
from classifier.project import project_file

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT: Final = 12
_MOST_BYTES: Final = 1 << 17
_OWN: Final = 0o600


def recent_projects() -> list[Path]:
    """Those that are still there."""
    return [folder for folder in _noted() if folder.is_absolute() and _is_project(folder)]


def note_project(folder: Path) -> None:
    """Put a project first. Raises OSError where it cannot be noted."""
    folder = folder.absolute()
    kept = [folder, *(one for one in _noted() if one != folder)][:_KEPT]
    path = _file()
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_own(path, to_json({"projects": kept}, indent=1).encode(), permissions=_OWN)


def _noted() -> Sequence[Path]:
    path = _file()
    try:
        if path is None:
            return []
        with open_own(path, READ) as file:
            values = json.loads(file.read(_MOST_BYTES))
        return [from_text(one) for one in values["projects"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


def _is_project(folder: Path) -> bool:
    try:
        return project_file(folder) is not None
    except (OSError, ValueError):  # in a closed folder, or no path that a system can have
        return False


def _file() -> Path | None:
    """None where this user has no folder for state."""
    folder = user_state_path("illsort", appauthor=False)
    return folder / "projects.json" if folder.is_absolute() else None
