"""The page of the copies in a folder: each group side by side, the best first, in one file."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.errors import Message, SettingsError, message_of
from classifier.images.thumbnails import thumbnail
from classifier.own_files import write_own
from classifier.report.template import as_bytes, is_own_report, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.duplicates.folder import Copy, Duplicates
    from classifier.progress import Progress

_SIDE: Final = 240
_QUALITY: Final = 72
_MOST: Final = 1200
"""Pictures on a page: about 15 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One file of a group; `image` is a data URI, None where it is gone or is the same as the best."""

    copy: Copy
    image: str | None


def check_page_target(path: Path) -> None:
    """Raise SettingsError in one line where no page may be written: not over a file that is not ours, or changed."""
    if not path.absolute().parent.is_dir():
        raise SettingsError("{path}: there is no folder {folder}", path=path, folder=path.absolute().parent)
    if not os.path.lexists(path):
        return
    try:
        is_ours = path.is_file() and not path.is_symlink() and is_own_report(path.read_bytes())
    except OSError as error:
        raise SettingsError("{path}: {why}", path=path, why=message_of(error)) from error
    if not is_ours:
        raise SettingsError("{path}: is no page that illsort wrote, or was changed since; name another file", path=path)


def write_duplicates_page(
    found: Duplicates, path: Path, *, folder: Path, max_megapixels: float, progress: Progress
) -> None:
    """Write the page to `path`, where an earlier one may be replaced. Raises SettingsError as `check_page_target`."""
    page = duplicates_page(found, folder=folder, max_megapixels=max_megapixels, progress=progress)
    check_page_target(path)
    try:
        write_own(path, as_bytes(page))
    except OSError as error:
        raise SettingsError("{path}: {why}", path=path, why=message_of(error)) from error


def duplicates_page(found: Duplicates, *, folder: Path, max_megapixels: float, progress: Progress) -> str:
    """The page as text: the groups whose copies take the most room, largest first."""
    groups = sorted(found.groups, key=lambda group: -sum(one.size_bytes for one in group[1:]))
    shown = list(_up_to(_MOST, groups))
    copies = [one for group in groups for one in group[1:]]
    with progress.stage(Message("making the page"), total=len(shown), unit="") as stage:
        pictured = []
        for group in shown:
            pictured.append(list(_pictured(group, max_megapixels)))
            stage.advance()
    return render(
        "duplicates.html",
        assets="duplicates",
        name=folder.resolve().name or str(folder),
        folder=folder.absolute(),
        pictures=found.pictures,
        copies=len(copies),
        megabytes=sum(one.size_bytes for one in copies) / 1e6,
        groups=pictured,
        count=len(groups),
        left_out=len(groups) - len(shown),
        failures=len(found.failures),
    )


def _up_to(most: int, groups: Sequence[tuple[Copy, ...]]) -> Iterator[tuple[Copy, ...]]:
    """The first groups with together at most so many pictures, and one in any case."""
    count = 0
    for group in groups:
        count += len(group)
        if count > most and count > len(group):
            return
        yield group[:most]


def _pictured(group: Sequence[Copy], max_megapixels: float) -> Iterator[Shown]:
    for copy in group:
        image = None if copy.is_same else _image(copy, max_megapixels)
        yield Shown(copy=copy, image=image)


def _image(copy: Copy, max_megapixels: float) -> str | None:
    data = thumbnail(copy.image_id, copy.path, side=_SIDE, max_megapixels=max_megapixels, quality=_QUALITY)
    return None if data is None else "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
