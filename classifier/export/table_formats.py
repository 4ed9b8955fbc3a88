"""Writes a table of images as CSV, JSON Lines or Parquet, row by row; the ending of the file's name chooses."""

from __future__ import annotations

import csv
import io
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import SettingsError
from classifier.export.library_table import Row
from classifier.filing.generated_files import as_text
from classifier.paths import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

INSTALL_PARQUET: Final = "pip install pyarrow"
_ROW_GROUP: Final = 10_000
"""Rows that Parquet compresses together, and that are in memory at once."""


def table_writer(path: Path) -> Callable[[BinaryIO, Iterable[Row]], None]:
    """What writes the format that the name of `path` ends in.

    Raises SettingsError in one line for another ending, and where Parquet's package is not installed.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise SettingsError("{path}: its name must end in {endings}", path=path, endings=", ".join(_WRITERS))
    if writer is write_parquet and find_spec("pyarrow") is None:
        raise SettingsError("{path}: pyarrow is not installed: {command}", path=path, command=INSTALL_PARQUET)
    return writer


def write_csv(file: BinaryIO, rows: Iterable[Row]) -> None:
    """CSV with a byte order mark, by which spreadsheets show every language right; the probabilities are JSON.

    A text that a spreadsheet would evaluate as a formula begins with an apostrophe: names come from anywhere.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(Row._fields)
    for row in rows:
        writer.writerow(map(_cell, row))
    text.detach()


def write_json_lines(file: BinaryIO, rows: Iterable[Row]) -> None:
    """A JSON object in each line, in UTF-8."""
    file.writelines(to_json(row._asdict()).encode() + b"\n" for row in rows)


def write_parquet(file: BinaryIO, rows: Iterable[Row]) -> None:
    """Parquet, with the probabilities as a map; raises ImportError without pyarrow."""
    import pyarrow as pa  # noqa: PLC0415 - not everybody has it
    from pyarrow import parquet  # noqa: PLC0415

    numbers = {
        "confidence": pa.float64(),
        "probabilities": pa.map_(pa.string(), pa.float64()),
        "size_bytes": pa.int64(),
        "width": pa.int32(),
        "height": pa.int32(),
    }
    schema = pa.schema([(name, numbers.get(name, pa.string())) for name in Row._fields])
    remaining = iter(rows)
    with parquet.ParquetWriter(file, schema) as writer:
        while part := [_with_pairs(row) for row in islice(remaining, _ROW_GROUP)]:
            writer.write_batch(pa.RecordBatch.from_pylist(part, schema=schema))


_WRITERS: Final = {".csv": write_csv, ".jsonl": write_json_lines, ".parquet": write_parquet}


def _cell(value: object) -> object:
    if isinstance(value, str):
        return as_text(value)
    return to_json(value) if isinstance(value, dict) else value


def _with_pairs(row: Row) -> dict[str, Any]:
    shares = row.probabilities
    return row._asdict() | {"probabilities": None if shares is None else list(shares.items())}
