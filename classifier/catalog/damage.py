"""Finds damage in a catalog: an unexpected schema, a value of the wrong type or out of range.

The schema is compared at each opening. Rows are checked by `verify` and after an error: reading those of 300,000 images
takes seconds.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final

from classifier.catalog import migrations
from classifier.catalog.library_changes import ChangeKind
from classifier.errors import Message, message_of
from classifier.reasons import ReasonCode
from classifier.records import Action, AnnotationKind, FailureKind, Method, Selection

_MOST: Final = 2**62
"""Above every id; SQLite's integers end at 2**63."""
_SHOWN: Final = 40
_ROUNDED: Final = 1e-6
_FLOAT_BYTES: Final = 4
_INODE_DIGITS: Final = 39
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_HASH: Final = re.compile("[0-9a-f]{64}")
DAMAGE_ERRORS: Final = (
    sqlite3.Error,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""What using a damaged value may raise; without damage, these are bugs."""
_UNEQUAL_LOGITS: Final = (
    "SELECT model FROM predictions GROUP BY model HAVING min(length(logits)) != max(length(logits))"
)
_SCHEMA_QUERY: Final = "SELECT type, name, sql FROM sqlite_schema WHERE type != 'index' AND name NOT LIKE 'sqlite_%'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    name: str
    type: str
    may_be_null: bool
    in_key: bool


@cache
def _schema(_: tuple[object, ...]) -> tuple[Mapping[str, tuple[_Column, ...]], frozenset[tuple[str, str]]]:
    """The columns of each table, and the triggers, after all migrations."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrations.migrate(connection)
        made = connection.execute(_SCHEMA_QUERY).fetchall()
        tables = {name: _columns(connection, name) for kind, name, _ in made if kind == "table"}
    return tables, frozenset((name, sql) for kind, name, sql in made if kind == "trigger")


def _columns(connection: sqlite3.Connection, table: str) -> tuple[_Column, ...]:
    rows = connection.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,))
    needed = _NEVER_NULL.get(table, frozenset())
    return tuple(
        _Column(name=name, type=kind, may_be_null=not (fixed or key or name in needed), in_key=bool(key))
        for name, kind, fixed, key in rows
    )


def wrong_schema(connection: sqlite3.Connection) -> Message | None:
    """The first table, column, trigger or view that differs from the migrated schema; None if none does."""
    tables, triggers = _schema(migrations.STEPS)
    found = connection.execute(_SCHEMA_QUERY).fetchall()
    there = {name for kind, name, _ in found if kind == "table"}
    for name, columns in tables.items():
        if name not in there:
            return Message("the table {name} is gone", name=name)
        lacks = {column.name for column in columns} - {column.name for column in _columns(connection, name)}
        if lacks:
            return Message("the table {name} has no column {column}", name=name, column=min(lacks))
    foreign = [
        name for kind, name, sql in found if kind == "view" or (kind == "trigger" and (name, sql) not in triggers)
    ]
    return Message("illsort did not make {name!r} in it", name=foreign[0]) if foreign else None


def find_damage(connection: sqlite3.Connection) -> Message | None:
    """The first damage in a catalog, or None; reads every row."""
    try:
        return wrong_schema(connection) or next(damaged_cells(connection), None)
    except sqlite3.ProgrammingError:  # it was closed
        return None
    except sqlite3.Error as refused:
        return message_of(refused)


def integrity_error(connection: sqlite3.Connection) -> str | None:
    """The first error that SQLite's integrity check reports, or None."""
    first = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    return None if first == "ok" else first


def damaged_cells(connection: sqlite3.Connection, *, besides: str = "") -> Iterator[Message]:
    """Each value that cannot be right, and where; reads every row of all tables except `besides`.

    While iterating, the connection may return text with surrogate escapes. SQLite's own errors are raised.
    """
    connection.text_factory = _as_text  # damaged text may be invalid UTF-8
    try:
        for table, columns in _schema(migrations.STEPS)[0].items():
            if table != besides:
                yield from _damage_in_table(connection, table, columns)
        for (model,) in connection.execute(_UNEQUAL_LOGITS):
            yield Message("in the table predictions, logits of the model {model} differ in length", model=_shown(model))
    finally:
        connection.text_factory = str


def _damage_in_table(connection: sqlite3.Connection, table: str, columns: tuple[_Column, ...]) -> Iterator[Message]:
    checks = [_check(column) for column in columns]
    for row in connection.execute(f"SELECT {', '.join(column.name for column in columns)} FROM {table}"):  # noqa: S608
        for column, is_right, value in zip(columns, checks, row, strict=True):
            if not (column.may_be_null if value is None else is_right(value)):
                key = ", ".join(_shown(one) for part, one in zip(columns, row, strict=True) if part.in_key)
                yield Message(
                    "in the table {table}, {column} of row {row} is {value}",
                    table=table,
                    column=column.name,
                    row=key or "?",
                    value=_shown(value),
                )


def _check(column: _Column) -> Callable[[Any], bool]:
    return _BY_NAME.get(column.name, _BY_TYPE[column.type])


def _as_text(kept: bytes) -> str:
    return kept.decode(errors="surrogateescape")


def _shown(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _NO_TEXT.search(value) is None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < _MOST


def _is_time(value: Any) -> bool:
    return isinstance(value, int)


def _is_real(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and -_ROUNDED <= value <= 1 + _ROUNDED


def _is_path(value: Any) -> bool:
    return isinstance(value, bytes) and b"\0" not in value


def _are_logits(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) > 0 and len(value) % _FLOAT_BYTES == 0


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _is_inode(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _INODE_DIGITS


def _is_date(value: Any) -> bool:
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(value) is not None
    return False


def _one_of(words: type[StrEnum]) -> Callable[[Any], bool]:
    return frozenset(word.value for word in words).__contains__


def _json(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        with suppress(TypeError, ValueError, RecursionError):
            return is_right(json.loads(value))
        return False

    return check


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_reason(value: Any) -> bool:
    return isinstance(value, dict) and value.get("code") in _CODES


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _are_steps(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and isinstance(one[0], (int, float)) and _is_number(one[1])  # noqa: PLR2004 - a pair
        for one in value
    )


_CODES: Final = frozenset(code.value for code in ReasonCode)
_FILE: Final = frozenset({"method", "source", "size_bytes", "mtime_ns", "inode", "device"})
_DECISION: Final = frozenset({"run", "action", "category", "confidence", "reason_code", "reason_params"})
_NEVER_NULL: Final = {
    "places": _FILE,
    "sidecars": _FILE,
    "missing": _FILE,
    "restored": _FILE,
    "decisions": _DECISION,
    "drawn": frozenset({"reason_code"}),
    "runs": frozenset({"crawl", "mode", "model", "bundle", "settings", "started", "state"}),
}
"""Columns that are never NULL, though the schema allows it."""
_BY_TYPE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "TEXT": _is_text,
    "INTEGER": _is_number,
    "REAL": _is_real,
    "BLOB": _is_path,
}
_BY_NAME: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("picture", "beside"), _is_hash),
    **dict.fromkeys(("inode", "device"), _is_inode),
    **dict.fromkeys(("at", "started", "finished"), _is_date),
    **dict.fromkeys(("settings", "summary", "reason_params"), _json(_is_object)),
    "action": _one_of(Action),
    "confidence": _is_share,
    "failure_detail": _json(_is_reason),
    "failure_kind": _one_of(FailureKind),
    "filed": _json(_are_counts),
    "logits": _are_logits,
    "method": _one_of(Method),
    "mtime_ns": _is_time,
    "reason_code": _one_of(ReasonCode),
    "said": _one_of(AnnotationKind),
    "selection": _one_of(Selection),
    "steps": _json(_are_steps),
    "what": _one_of(ChangeKind),
}
