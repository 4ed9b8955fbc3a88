"""Labels as a person left them: category folders with pictures in them, or a CSV file. Reads names, not pictures."""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from classifier.errors import LabelsError
from classifier.images.find import find
from classifier.labels.names import check_names
from classifier.records import Label, Selection

MIN_PICTURES = 2
"""One to learn from, one to check by."""
UNKNOWN = "_unknown"
"""The folder of pictures that are of no category, as sorting and `illsort label` name it."""


def read_labels(
    *, folder: Path | None, csv_file: Path | None, further: tuple[Label, ...] = (), by_chance: bool = False
) -> tuple[Label, ...]:
    """Labels from `csv_file` if given, else from the category folders in `folder`; sorted by category and path.

    With `by_chance` a person says that they were drawn by chance, and what lies in the folder's `_unknown` was too: it
    comes first, without a category. `further` labels are added to them, or stand alone. Raises LabelsError in one line:
    nowhere to look, no labels, an empty category or one with fewer than two pictures, a bad name, a missing column or
    file.
    """
    if csv_file is not None:
        labels, where = _from_csv(csv_file, folder), csv_file
    elif folder is not None:
        labels, where = _from_folder(folder), folder
    elif further:
        labels, where = [], Path(os.path.commonpath([label.path.parent for label in further]))
    else:
        raise LabelsError(
            "no labels: set labels.folder (<category>/<picture>), labels.csv (file_name,label) or labels.library "
            "(a sorted library of which something was said in review)"
        )
    if by_chance:
        labels = [replace(label, selection=Selection.RANDOM) for label in [*labels, *_without_category(folder)]]
    labels += further
    if not labels:
        raise LabelsError(f"{where}: holds no labelled pictures; expected <category>/<picture> below it")
    _check_counts(labels, where)
    return tuple(sorted(labels, key=lambda label: (label.category, label.path)))


def categories_of(labels: tuple[Label, ...]) -> tuple[str, ...]:
    """The categories in the order that the bundle will keep: by name."""
    return tuple(sorted({label.category for label in labels} - {""}))


def _check_counts(labels: list[Label], where: Path) -> None:
    counts = Counter(label.category for label in labels if label.category)
    check_names(sorted(counts), where=str(where))
    if len(counts) == 1:
        raise LabelsError(f"{where}: only one category, {next(iter(counts))!r}; sorting needs at least two")
    for category, count in sorted(counts.items()):
        if count < MIN_PICTURES:
            raise LabelsError(f"{where}: category {category!r} has {count} picture; it needs at least {MIN_PICTURES}")


def _from_folder(folder: Path) -> list[Label]:
    if not folder.is_dir():
        raise LabelsError(f"labels.folder = {folder}: there is no such folder")
    labels = []
    for category in sorted(folder.iterdir()):
        if not category.is_dir() or category.name[0] in "._":
            continue
        paths = [file.path for file in find(category) if not _is_set_aside(file.path.relative_to(category))]
        if not paths:
            raise LabelsError(f"{category}: this category is empty; put pictures in it or remove the folder")
        labels += [Label(path=path, category=category.name) for path in paths]
    return labels


def _without_category(folder: Path | None) -> list[Label]:
    """Drawn pictures that a person put into no category."""
    unknown = None if folder is None else folder / UNKNOWN
    if unknown is None or not unknown.is_dir():
        return []
    return [Label(path=file.path, category="") for file in find(unknown)]


def _is_set_aside(path: Path) -> bool:
    return any(part[0] in "._" for part in path.parts[:-1])


def _from_csv(csv_file: Path, folder: Path | None) -> list[Label]:
    root = csv_file.parent if folder is None else folder
    try:
        with csv_file.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"file_name", "label"} - set(rows.fieldnames or ())
            if missing:
                raise LabelsError(f"{csv_file}: has no column {' and '.join(sorted(missing))}; needs file_name,label")
            labels = [_from_row(csv_file, number, row, root) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f"labels.csv = {csv_file}: cannot be read ({error})") from None
    return labels


def _from_row(csv_file: Path, number: int, row: dict[str, str | None], root: Path) -> Label:
    name, category = (row["file_name"] or "").strip(), (row["label"] or "").strip()
    if not name or not category:
        raise LabelsError(f"{csv_file}, line {number}: file_name or label is empty")
    path = root / Path(name)
    if not path.is_file():
        raise LabelsError(f"{csv_file}, line {number}: there is no file {path}")
    return Label(path=path, category=category)
