"""The crawls that this person named on this computer: outside a library, illsort changes files in those alone.

A library may come from a stranger, and its record can name any folder as the crawl of a run. So each crawl that a
person has sorted by moving, or names to undo, is noted in the person's own state folder: a small file for each pair of
library and crawl, named by their hash, which several processes may write at once.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_state_path

from classifier.filing.results import words
from classifier.own_files import READ, open_own, write_own
from classifier.paths import command, displayable, to_json

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

_OWN: Final = 0o600


def name_crawl(catalog: Catalog, crawl: Path) -> None:
    """Have `crawl`, which a person named to this command, count as named as long as the catalog is open.

    By both its names where it is a link now: the record has it as it was.
    """
    catalog.named |= {crawl.absolute(), real_path(crawl)}


def note_named(catalog: Catalog, library: Path, progress: Progress) -> None:
    """Note for later commands which crawls are named; where that cannot be, say what follows."""
    for crawl in sorted(catalog.named):
        try:
            note(library, crawl)
        except (OSError, RuntimeError) as error:
            why = words(error) if isinstance(error, OSError) else str(error)
            progress.say(f"cannot note that you named {crawl} ({why}): illsort undo will ask for it")


def note(library: Path, crawl: Path) -> None:
    """Note that `crawl` was named for `library`. Raises OSError, or RuntimeError where there is no home."""
    path = _note(library, crawl)
    if _holds(path, library, crawl):
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_own(path, _content(library, crawl), permissions=_OWN)


def named_root(catalog: Catalog, library: Path, crawl: Path) -> Path | None:
    """The crawl, or a folder that holds it, that a person named for `library` to this command or an earlier one."""
    return next((one for one in (crawl, *crawl.parents) if one in catalog.named or _is_noted(library, one)), None)


def real_path(path: Path) -> Path:
    """The path without links; no error for links that lead around in a circle, as `Path.resolve` has it."""
    return Path(os.path.realpath(path))


def not_named(library: Path, crawl: Path) -> str:
    """Why nothing is changed in a crawl that was not named, and what to do."""
    why = f"only this library's record names {displayable(crawl)}, nobody on this computer{_damage(library, crawl)}"
    return f"{why}; if it is your crawl: {command('undo', library, '--crawl', crawl)}"


def _is_noted(library: Path, crawl: Path) -> bool:
    try:
        return _holds(_note(library, crawl), library, crawl)
    except RuntimeError:
        return False


def _damage(library: Path, crawl: Path) -> str:
    """That there is a note of it which says something else, as after damage; nothing where there is none."""
    try:
        path = _note(library, crawl)
        return f" (the note of it is damaged: {path})" if os.path.lexists(path) else ""
    except RuntimeError:
        return ""


def _note(library: Path, crawl: Path) -> Path:
    """The file that notes the pair. Raises RuntimeError where this user has no folder for state."""
    folder = user_state_path("illsort", appauthor=False)
    if not folder.is_absolute():  # below the current folder could be a stranger's note
        raise RuntimeError("there is no home folder")
    return folder / "crawls" / f"{hashlib.sha256(_content(library, crawl)).hexdigest()}.json"


def _holds(path: Path, library: Path, crawl: Path) -> bool:
    content = _content(library, crawl)
    try:
        with open_own(path, READ) as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False


def _content(library: Path, crawl: Path) -> bytes:
    return (to_json({"library": library.resolve(), "crawl": crawl}) + "\n").encode()
