"""Reads labels from category folders or a CSV file; reads names, not images.

A category whose name has two Unicode forms, as on macOS and on other systems, is one, by its composed name.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from classifier.catalog.categories import nfc
from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.manual_moves import paths_that_are_no_labels
from classifier.catalog.values import to_bytes
from classifier.category_names import SEPARATOR, check_names
from classifier.errors import Counted, LabelsError, Message, join_errors, located_message
from classifier.images.ignored_files import is_system_folder
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from classifier.labels.csv_file import labels_of_csv
from classifier.labels.nested_folders import nested_folders
from classifier.paths import command, quoted
from classifier.progress import Progress, SilentProgress
from classifier.records import Label, Selection

MIN_IMAGES = 2
"""One to train on, one for validation."""
UNKNOWN = "_unknown"
"""The folder of images of no category, as sorting and `illsort label` name it."""


def read_labels(
    *,
    folder: Path | None,
    csv_file: Path | None,
    depth: int = 1,
    further: tuple[Label, ...] = (),
    by_chance: bool = False,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> tuple[Label, ...]:
    """Labels from `csv_file` if given, else from the category folders in `folder`; sorted by category and path.

    Of nested folders, `depth` levels make the category; what is in a folder above is of that folder's category. With
    `by_chance` they count as drawn at random, and so do the images in the folder's `_unknown`, which come first,
    without a category. `further` labels are added, or may be the only ones. What a model filed into the folder, if it
    is a library, is no label. A link to a file counts as that file. A folder in a category that cannot be read is among
    the labels, and fails when it is read. Raises LabelsError in one line: no source, no labels, categories with fewer
    than two images, a bad name, a missing column or missing files.

    Once `is_stopped` says so, what was found in the folder so far is all, and its categories are not checked.
    """
    if csv_file is not None:
        labels, where = labels_of_csv(csv_file, folder, depth, progress or SilentProgress()), csv_file
    elif folder is not None:
        labels, where = _from_folder(folder, depth, progress or SilentProgress(), is_stopped), folder
    elif further:
        labels, where = [], Path(os.path.commonpath([label.path.parent for label in further]))
    else:
        raise LabelsError(
            "no labels: set labels.folder (<category>/<picture>), labels.csv (file_name,label) or labels.library "
            "(a sorted library of which something was said in review)"
        )
    if by_chance:
        labels = [replace(label, selection=Selection.RANDOM) for label in [*labels, *_without_category(folder)]]
    else:
        named = {(label.path, nfc(label.category)) for label in further}
        labels = [label for label in labels if (label.path, nfc(label.category)) not in named]
    labels = [replace(label, category=nfc(label.category)) for label in (*labels, *further)]
    if not labels:
        raise LabelsError("{where}: holds no labeled pictures; expected <category>/<picture> below it", where=where)
    if is_stopped is None or not is_stopped():
        _check_counts(labels, where)
    return tuple(sorted(labels, key=lambda label: (label.category, label.path)))


def categories_of(labels: tuple[Label, ...]) -> tuple[str, ...]:
    """The categories in the order of the bundle: by name."""
    return tuple(sorted({label.category for label in labels} - {""}))


def train_command(folder: Path) -> str:
    """The command that trains a model on the labels in `folder`, quoted for every shell."""
    return command("train", "--labels", folder.absolute(), "--model", "~/models/mine")


def library_option(library: Path) -> str:
    """The option of a training by which the annotations of a library take precedence over the labels."""
    return f"--library {quoted(str(library.absolute()))}"


def _check_counts(labels: list[Label], where: Path) -> None:
    counts = Counter(label.category for label in labels if label.category)
    check_names(sorted(counts), where=str(where))
    if len(counts) == 1:
        raise LabelsError(
            "{where}: only one category, {category!r}; sorting needs at least two",
            where=where,
            category=next(iter(counts)),
        )
    few = [
        Counted(
            "category {category!r} has {count} picture",
            "category {category!r} has {count} pictures",
            count=count,
            category=category,
        )
        for category, count in sorted(counts.items())
        if count < MIN_IMAGES
    ]
    if few:
        raise LabelsError(
            "{where}: {categories}; a category needs at least {least}",
            where=where,
            categories=join_errors(few),
            least=MIN_IMAGES,
        )


def _from_folder(folder: Path, depth: int, progress: Progress, is_stopped: Callable[[], bool] | None) -> list[Label]:
    if not folder.is_dir():
        raise LabelsError("labels.folder = {folder}: there is no such folder", folder=folder)
    labels, found = [], WalkResult()
    empty: list[Message] = []
    others, count = _no_labels(folder), 0
    try:
        for outer in category_folders(folder):
            paths = list(images_in(outer, found, is_stopped))
            links, found.links = found.links, 0
            refused = {path for path, _ in found.refused}
            new = [Label(path=path, category=_category(path, folder, depth, refused)) for path in paths]
            own = [label for label in new if not others or to_bytes(label.path.relative_to(folder)) not in others]
            count += len(new) - len(own)
            labels += own
            if is_stopped is not None and is_stopped():
                return labels
            empty += [_empty_message(inner, links) for inner in _empty_folders(outer, new, depth)]
            if links:
                progress.say(_links_in_words(outer, links))
    except OSError as error:
        raise LabelsError(
            "labels.folder = {folder}: cannot be read ({why})", folder=folder, why=located_message(error)
        ) from None
    if empty:
        raise LabelsError("{categories}; put pictures in it or remove the folder", categories=join_errors(empty))
    _say_notes(labels, found, progress)
    if (nested := nested_folders(labels, folder, depth=depth)) is not None:
        progress.say(Message("labels: {sentence}", sentence=nested.hint))
    if count:
        progress.say(
            Counted(
                "{folder}: {count:,} picture was filed there by a model, and is no label",
                "{folder}: {count:,} pictures were filed there by a model, and are no labels",
                folder=folder,
                count=count,
            )
        )
    return labels


def _category(path: Path, folder: Path, depth: int, refused: Container[Path]) -> str:
    """The category of a file by the folders that it is in; of a folder that cannot be read by its own name too."""
    parts = path.relative_to(folder).parts
    return SEPARATOR.join((parts if path in refused else parts[:-1])[:depth])


def _empty_folders(outer: Path, labels: Sequence[Label], depth: int) -> Iterator[Path]:
    """The outermost category folders, down to `depth` levels, without any of the labels of `outer`."""
    if not labels:
        yield outer
    held = {folder for label in labels for folder in (label.path, *label.path.parents)} if depth > 1 else set()
    folders = [outer] if labels else []
    for _ in range(depth - 1):
        inner = [one for folder in folders for one in _readable_folders(folder)]
        yield from (one for one in inner if one not in held)
        folders = [one for one in inner if one in held]


def _readable_folders(folder: Path) -> list[Path]:
    try:
        return category_folders(folder)
    except OSError:  # it is among the labels, and fails when it is read
        return []


def _no_labels(folder: Path) -> frozenset[bytes]:
    """What models filed into a folder of labels that is a library: paths in it, as the catalog keeps them."""
    if not is_library(folder):
        return frozenset()
    with read_catalog(folder) as catalog:
        return paths_that_are_no_labels(catalog)


def _without_category(folder: Path | None) -> list[Label]:
    """Randomly drawn images that a person put into no category."""
    unknown = None if folder is None else folder / UNKNOWN
    if unknown is None or not unknown.is_dir():
        return []
    return [Label(path=file.path, category="") for file in find_images(unknown, follow_links=True)]


def category_folders(folder: Path) -> list[Path]:
    """The category folders in a folder of labels, by name. Raises OSError if it cannot be listed."""
    return [
        entry
        for entry in sorted(folder.iterdir())
        if entry.name[0] not in "._" and not is_system_folder(entry.name) and entry.is_dir()
    ]


def images_in(category: Path, found: WalkResult, is_stopped: Callable[[], bool] | None = None) -> Iterator[Path]:
    """The files of one category, followed by the paths that could not be read."""
    before = len(found.refused)
    for file in find_images(category, follow_links=True, found=found, is_stopped=is_stopped):
        if not _is_hidden(file.path.relative_to(category)):
            yield file.path
    yield from (path for path, _ in found.refused[before:])


def _is_hidden(path: Path) -> bool:
    return any(part[0] in "._" for part in path.parts[:-1])


def _empty_message(category: Path, links: int) -> Message:
    if not links:
        return Message("{folder}: this category is empty", folder=category)
    return Message(
        "{folder}: this category holds no picture, but {links:,} links to folders or to nothing",
        folder=category,
        links=links,
    )


def _links_in_words(category: Path, links: int) -> Message:
    return Message(
        "{category}: {links:,} links are no labels: they lead to folders or to nothing", category=category, links=links
    )


def _say_notes(labels: list[Label], found: WalkResult, progress: Progress) -> None:
    """Say what was skipped, and which folders are one category."""
    for sentence in found.sentences():
        progress.say(Message("labels: {sentence}", sentence=sentence))
    forms_of: dict[str, set[str]] = {}
    for label in labels:
        forms_of.setdefault(nfc(label.category), set()).add(label.category)
    for category, forms in forms_of.items():
        if len(forms) > 1:
            progress.say(
                Message(
                    "labels: {count} folders are the category {category}, in two forms of Unicode",
                    count=len(forms),
                    category=category,
                )
            )
