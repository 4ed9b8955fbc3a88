"""What of a crawl is sorted: not the labels, nor what the person excludes. Decided before anything is made or moved."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog.connection import is_library
from classifier.errors import CrawlError
from classifier.exclude import NOTHING, Exclude
from classifier.images.incomplete import complete
from classifier.images.walk import find
from classifier.model.labeled_embeddings import LABELLED, load_labelled_paths
from classifier.paths import from_text
from classifier.records import Mode

if TYPE_CHECKING:
    from classifier.images.walk_result import Found
    from classifier.model.bundle import Bundle
    from classifier.records import ImageFile
    from classifier.settings import LabelSettings, Settings

_WHAT: Final = "labels that a model learns from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Folders that are left out, with a word on what each is; the files of labels that stay; and what is excluded.

    Where files are to be moved, none is taken from a program that has it open, however long it has been at it.
    """

    leave_out: Mapping[Path, str] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    exclude: Exclude = NOTHING
    moves: bool = False

    def pictures(self, crawl: Path, *, library: Path, found: Found) -> Iterator[ImageFile]:
        """The pictures of `crawl` that nobody writes to, without those of `library`; counted in `found`."""
        walk = find(
            crawl,
            skip=[library],
            leave_out=self.leave_out,
            labels=self.labels,
            exclude=self.exclude,
            found=found,
        )
        return complete(walk, found, ask_of_all=self.moves)


def scope_of(settings: Settings) -> Scope:
    """What the settings leave in of a crawl that is only read."""
    folder = _labels_folder(settings.labels)
    return Scope(
        leave_out={} if folder is None else {folder: _WHAT},
        exclude=Exclude(settings.images.exclude),
    )


def scope_for(crawl: Path, *, model: Bundle, settings: Settings, mode: Mode) -> Scope:
    """What is sorted of `crawl` (absolute): nothing of the labels that the settings or the model's record name.

    Where the labels are the crawl itself, only `move` spares them: nothing else changes them. Raises CrawlError in one
    line when `move` would take labels or a library apart because the crawl lies in them.
    """
    recorded = _recorded(model)
    folders = [folder for folder in (_labels_folder(settings.labels), recorded) if folder is not None]
    leave_out = dict.fromkeys(folders, _WHAT)
    if mode is Mode.MOVE:
        _refuse_library(crawl)
        for folder in folders:
            _refuse_labels(crawl, folder)
            leave_out |= dict.fromkeys(_categories_in(folder), _WHAT)
    labels = _labelled_files(model) if mode is Mode.MOVE and recorded is None else frozenset()
    exclude = Exclude(settings.images.exclude)
    return Scope(leave_out=leave_out, labels=labels, exclude=exclude, moves=mode is Mode.MOVE)


def _labels_folder(labels: LabelSettings) -> Path | None:
    """The folder whose folders are categories; beside a CSV file it only says where that file's names begin."""
    return labels.folder if labels.csv is None else None


def _recorded(model: Bundle) -> Path | None:
    """The labels folder that the model was trained on, by its own record, which may hold anything."""
    labels = model.manifest.settings.get("labels")
    folder = labels.get("folder") if isinstance(labels, dict) and labels.get("csv") is None else None
    return from_text(folder).absolute() if isinstance(folder, str) and folder else None


def _labelled_files(model: Bundle) -> frozenset[str]:
    """The pictures that the model learned from by a list of files."""
    path = model.folder / LABELLED
    named = load_labelled_paths(path).values() if model.manifest.labelled_sha256 and path.is_file() else ()
    return frozenset(os.path.realpath(from_text(one)) for one in named if one and "\0" not in one)


def _categories_in(labels: Path) -> list[Path]:
    try:
        return [folder for folder in labels.iterdir() if folder.name[0] not in "._" and folder.is_dir()]
    except (OSError, ValueError):  # gone, or no path that a system can have
        return []


def _refuse_library(crawl: Path) -> None:
    library = next((folder for folder in (crawl, *crawl.parents) if is_library(folder)), None)
    if library is not None:
        raise CrawlError(
            f"{crawl}: is or lies in the library {library}, which --mode move would take apart; "
            "take link, copy or symlink"
        )


def _refuse_labels(crawl: Path, labels: Path) -> None:
    """Folders that begin with "." or "_" are not labels, wherever they lie."""
    try:
        inside = crawl.relative_to(labels.resolve()).parts
    except (OSError, ValueError):
        return
    if inside and inside[0][0] not in "._":
        raise CrawlError(
            f"{crawl}: is a category of your labels {labels}, which --mode move would take apart; "
            "take link, copy or symlink"
        )
