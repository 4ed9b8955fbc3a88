"""Which images of a crawl are sorted (not labels, nor what the user excludes), and the record of them in the catalog.

A known image under a new name is recognized by its hash and not predicted again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from classifier.catalog import files
from classifier.catalog.connection import Catalog, library_around
from classifier.catalog.files import is_known_image
from classifier.errors import CrawlError, LibraryError, Message
from classifier.exclude import NOTHING, Exclude
from classifier.images.hashing import hash_file
from classifier.images.ignored_files import skip_incomplete
from classifier.images.probe import is_read
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from classifier.model.bundle_files import EMBEDDINGS, MANIFEST
from classifier.model.labeled_embeddings import load_labeled_paths
from classifier.paths import from_text
from classifier.progress import Progress
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind, ImageFile, ImageId, Mode

if TYPE_CHECKING:
    from classifier.images.walk_result import WalkResult
    from classifier.model.bundle import Bundle
    from classifier.records import ImageFile
    from classifier.settings import LabelSettings, Settings

_DESCRIPTION: Final = Message("labels that a model learns from")
T = TypeVar("T")
_BATCH = 1000
_FOUND = 4096
"""Files recorded in one commit, which takes as long as recording hundreds."""
_HASHING_THREADS = 4


def checked_crawl(crawl: Path, library: Path) -> Path:
    """The crawl's absolute path, links resolved. Raises CrawlError or LibraryError in one line.

    A library inside the crawl is left out of the scan. A crawl inside the library is refused, because the library
    would be sorted into itself.
    """
    inner, outer = readable_crawl(crawl), library.resolve()
    if library.exists() and not library.is_dir():
        raise LibraryError("--out {library}: is a file; give a folder", library=library)
    if any(_is_same(folder, outer) for folder in (inner, *inner.parents)):
        raise CrawlError(
            "{crawl}: is the library {library} or lies inside it; sort a folder outside of it",
            crawl=crawl,
            library=library,
        )
    return inner


def readable_crawl(crawl: Path) -> Path:
    """The crawl's absolute path, links resolved. Raises CrawlError in one line if it is no folder that can be read."""
    if not crawl.exists():
        raise CrawlError("{crawl}: there is no such folder to sort", crawl=crawl)
    if not crawl.is_dir():
        raise CrawlError("{crawl}: is no folder; give the folder that holds the pictures", crawl=crawl)
    if not os.access(crawl, os.R_OK | os.X_OK):
        raise CrawlError("{crawl}: may not be read by you; check its permissions", crawl=crawl)
    return crawl.resolve()


def refuse_model(library: Path) -> None:
    """Raise LibraryError in one line if `library` is a model's folder."""
    if (library / MANIFEST).is_file():
        raise LibraryError(
            "--out {library}: is a model's folder; give a folder of its own for the library", library=library
        )


def refuse_in_labels(library: Path, model: Bundle) -> None:
    """Raise LibraryError in one line if what is filed into `library` would be read as labels of `model`."""
    labels = _recorded_labels_folder(model)
    if labels is None or labels.resolve() not in library.resolve().parents:
        return
    if library.resolve().relative_to(labels.resolve()).parts[0][0] in "._":  # no category
        return
    raise LibraryError(
        "--out {library}: lies among the labels of the model {model}, so that the next training would take what is "
        "filed for labels; give --out {labels} itself or a folder elsewhere",
        library=library,
        model=model.folder,
        labels=labels,
    )


def holds_labels(library: Path, model: Bundle) -> bool:
    """Whether `library` is the folder of the labels of `model`."""
    labels = _recorded_labels_folder(model)
    return labels is not None and _is_same(library.resolve(), labels.resolve())


def _is_same(first: Path, second: Path) -> bool:
    """Also if one folder has two names: in another case, or by a bind mount."""
    return first == second or (second.exists() and first.exists() and first.samefile(second))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is left out of a crawl: folders with a description of each, files that are labels, and excluded patterns.

    With `moves`, a file that a process has open for writing is left out, however old it is.
    """

    leave_out: Mapping[Path, str] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    exclude: Exclude = NOTHING
    moves: bool = False

    def images(self, crawl: Path, *, library: Path, found: WalkResult) -> Iterator[ImageFile]:
        """The complete images of `crawl`, without those of `library`; counted in `found`."""
        walk = find_images(
            crawl,
            skip=[library],
            leave_out=self.leave_out,
            labels=self.labels,
            exclude=self.exclude,
            found=found,
        )
        return skip_incomplete(walk, found, check_all=self.moves)


def scope_from_settings(settings: Settings) -> Scope:
    """The scope of a crawl that is only read."""
    folder = _labels_folder(settings.labels)
    return Scope(
        leave_out={} if folder is None else {folder: _DESCRIPTION},
        exclude=_excluded(settings),
    )


def scope_for_sort(crawl: Path, *, model: Bundle, settings: Settings, mode: Mode) -> Scope:
    """The scope of a sort of `crawl` (absolute), without the labels that the settings or the bundle name.

    If the labels are the crawl itself, they are left out for `move` only, since nothing else changes them. Raises
    CrawlError in one line when `move` would take labels or a library apart because the crawl is inside them.
    """
    recorded = _recorded_labels_folder(model)
    folders = [folder for folder in (_labels_folder(settings.labels), recorded) if folder is not None]
    leave_out = dict.fromkeys(folders, _DESCRIPTION)
    if mode is Mode.MOVE:
        _refuse_library(crawl)
        for folder in folders:
            _refuse_labels(crawl, folder)
            leave_out |= dict.fromkeys(_category_folders(folder), _DESCRIPTION)
    labels = _labeled_files(model) if mode is Mode.MOVE and recorded is None else frozenset()
    exclude = _excluded(settings)
    return Scope(leave_out=leave_out, labels=labels, exclude=exclude, moves=mode is Mode.MOVE)


def _excluded(settings: Settings) -> Exclude:
    """What the user excludes; NOTHING, which costs nothing to ask, where that is nothing."""
    return Exclude(settings.images.exclude) if settings.images.exclude else NOTHING


def _labels_folder(labels: LabelSettings) -> Path | None:
    """The folder of category folders; with a CSV file it is only what the file's paths are relative to."""
    return labels.folder if labels.csv is None else None


def _recorded_labels_folder(model: Bundle) -> Path | None:
    """The labels folder that the bundle was trained on, as the bundle says, which is not trusted."""
    labels = model.manifest.settings.get("labels")
    folder = labels.get("folder") if isinstance(labels, dict) and labels.get("csv") is None else None
    if not isinstance(folder, str) or not folder or "\0" in folder:
        return None
    return from_text(folder).absolute()


def _labeled_files(model: Bundle) -> frozenset[str]:
    """The images of the CSV file that the bundle was trained on."""
    path = model.folder / EMBEDDINGS
    named = load_labeled_paths(path).values() if model.manifest.labelled_sha256 and path.is_file() else ()
    return frozenset(os.path.realpath(from_text(one)) for one in named if one and "\0" not in one)


def _category_folders(labels: Path) -> list[Path]:
    try:
        return [folder for folder in labels.iterdir() if folder.name[0] not in "._" and folder.is_dir()]
    except (OSError, ValueError):  # missing, or not a valid path on this system
        return []


def _refuse_library(crawl: Path) -> None:
    if (library := library_around(crawl)) is not None:
        raise CrawlError(
            "{crawl}: is or lies in the library {library}, which --mode move would take apart; take link, copy or "
            "symlink",
            crawl=crawl,
            library=library,
        )


def _refuse_labels(crawl: Path, labels: Path) -> None:
    """Folders whose name begins with "." or "_" hold no labels and are not refused."""
    try:
        inside = crawl.relative_to(labels.resolve()).parts
    except (OSError, ValueError):
        return
    if inside and inside[0][0] not in "._":
        raise CrawlError(
            "{crawl}: is a category of your labels {labels}, which --mode move would take apart; take link, copy or "
            "symlink",
            crawl=crawl,
            labels=labels,
        )


def scan(
    catalog: Catalog, *, run: int, crawl: Path, library: Path, progress: Progress, scope: Scope | None = None
) -> WalkResult:
    """Record every image under `crawl`, without those in `library`, as found by `run`, and what could not be read."""
    found = WalkResult()
    with progress.stage(Message("looking for pictures"), total=None, unit="picture") as stage:
        for batch in _batches((scope or Scope()).images(crawl, library=library, found=found), _FOUND):
            files.record_found(catalog, run=run, crawl=crawl, files=batch)
            stage.advance(len(batch))
    for sentence in (*found.sentences(), *found.complaints):
        progress.say(sentence)
    files.record_unreadable(catalog, run=run, crawl=crawl, refused=found.refused)
    files.retry_formats(catalog, crawl=crawl, is_read=is_read)
    return found


def recognize(catalog: Catalog, *, run: int, crawl: Path, progress: Progress) -> None:
    """Hash new files that have the size of a known image, and record those that are identical to one.

    A moved or renamed crawl consists of such files: they are read, but not decoded and predicted again.
    """
    paths = files.to_hash(catalog, run=run, crawl=crawl)
    with (
        progress.stage(Message("recognizing"), total=len(paths), unit="picture") as stage,
        ThreadPoolExecutor(_HASHING_THREADS) as pool,
    ):
        for batch in _batches(paths):
            hashed = list(pool.map(_hash, batch))
            with catalog.transaction():
                for path, result in zip(batch, hashed, strict=True):
                    _record(catalog, path, result)
            stage.advance(len(batch))


def _hash(path: Path) -> tuple[ImageFile, ImageId] | Failure:
    try:
        return hash_file(path)
    except FileNotFoundError:
        return Failure(kind=FailureKind.VANISHED, detail=Reason(ReasonCode.VANISHED))
    except OSError as error:
        return Failure(kind=FailureKind.UNREADABLE, detail=Reason.of_system(error))


def _record(catalog: Catalog, path: Path, result: tuple[ImageFile, ImageId] | Failure) -> None:
    if isinstance(result, Failure):
        files.set_failure(catalog, path, result)
    elif is_known_image(catalog, result[1]):
        files.set_image_id(catalog, *result)


def _batches(items: Iterable[T], count: int = _BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, count)):
        yield batch
