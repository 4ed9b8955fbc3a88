"""Labels from a CSV file with the columns file_name,label."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.category_names import at_depth
from classifier.errors import MOST_LISTED, Counted, LabelsError, Message, join_errors, message_of
from classifier.labels.encoding import decode_csv
from classifier.records import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.progress import Progress

_COLUMNS: Final = ("file_name", "label")


def labels_of_csv(csv_file: Path, folder: Path | None, depth: int, progress: Progress) -> list[Label]:
    """The labels of a file, with the first `depth` levels of their categories; paths are relative to `folder`.

    Raises LabelsError in one line: a missing column, missing files, no text.
    """
    root = csv_file.parent if folder is None else folder
    try:
        text, is_gbk = decode_csv(csv_file.read_bytes())
        if is_gbk:
            progress.say(
                Message('{csv_file} is read as GBK; if names are wrong, save it as "CSV UTF-8"', csv_file=csv_file)
            )
        rows = csv.DictReader(io.StringIO(text, newline=""))
        missing = set(_COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise LabelsError(
                "{csv_file}: has no column {columns}; needs file_name,label",
                csv_file=csv_file,
                columns=" and ".join(sorted(missing)),
            )
        read = [(rows.line_num, _from_row(row, root)) for row in rows]
    except UnicodeDecodeError as error:
        raise LabelsError(
            'labels.csv = {csv_file}: is not UTF-8 (byte {byte:#04x}); save it as "CSV UTF-8", as Excel calls it',
            csv_file=csv_file,
            byte=error.object[error.start],
        ) from None
    except (OSError, csv.Error) as error:
        raise LabelsError(
            "labels.csv = {csv_file}: cannot be read ({why})", csv_file=csv_file, why=message_of(error)
        ) from None
    errors: dict[Message, list[int]] = {}
    for line, one in read:
        if isinstance(one, Message):
            errors.setdefault(one, []).append(line)
    if errors:
        raise LabelsError(
            "{csv_file}, {rows}",
            csv_file=csv_file,
            rows=join_errors([_in_lines(lines, what) for what, lines in errors.items()]),
        )
    return _cut([one for _, one in read if isinstance(one, Label)], depth, progress)


def _cut(labels: list[Label], depth: int, progress: Progress) -> list[Label]:
    """The labels with the first `depth` levels of their categories; says of how many that is less than all."""
    deeper = sum(label.category != at_depth(label.category, depth) for label in labels)
    if deeper:
        progress.say(deeper_labels(deeper, depth))
    return [replace(label, category=at_depth(label.category, depth)) for label in labels]


def deeper_labels(count: int, depth: int) -> Message:
    """How many labels have more levels than count."""
    return Counted(
        "labels.depth = {depth}: {count:,} label of a nested category counts as one of its parent",
        "labels.depth = {depth}: {count:,} labels of nested categories count as those of their parents",
        count=count,
        depth=depth,
    )


def _in_lines(lines: list[int], what: Message) -> Message:
    listed, more = ", ".join(map(str, lines[:MOST_LISTED])), len(lines) - MOST_LISTED
    if more > 0:
        return Message("lines {lines}, and {more:,} more: {what}", lines=listed, more=more, what=what)
    return Counted("line {lines}: {what}", "lines {lines}: {what}", count=len(lines), lines=listed, what=what)


def _from_row(row: dict[str | None, str | list[str] | None], root: Path) -> Label | Message | None:
    """A label, or the error of the row, or None for a row of empty cells, which spreadsheets may leave."""
    extra = row.get(None) or ()
    if any(cell.strip() for cell in extra):
        return Message("more columns than the first line has; a name with a comma needs quotes around it")
    name, category = (str(row[column] or "").strip() for column in _COLUMNS)
    if not name or not category:
        return Message("file_name or label is empty") if any(_cells(row.values())) else None
    path = root / Path(name)
    return Label(path=path, category=category) if path.is_file() else Message("there is no file {path}", path=path)


def _cells(values: Iterable[str | list[str] | None]) -> Iterator[str]:
    return (value.strip() for value in values if isinstance(value, str))
