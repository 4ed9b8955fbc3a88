"""Finds damage in a catalog: an unexpected schema, a value of the wrong type or out of range.

At each opening the schema is compared and the small tables are checked: those of runs, category names, audits and
folders. Tables with a row for each image or answer are checked by `verify` and after an error: reading those of 300,000
images takes 15 seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Final

from classifier.catalog import migrations
from classifier.catalog.value_checks import check_of, may_be_null
from classifier.errors import Message, message_of

_SHOWN: Final = 40
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
_LARGE_TABLES: Final = frozenset(
    {
        "pictures",
        "copies",
        "tag_files",
        "files",
        "decisions",
        "decided_before",
        "moves",
        "places",
        "sidecars",
        "predictions",
        "embeddings",
        "drawn",
        "verdicts",
        "steps",
        "missing",
        "restored",
        "hand_moves",
    }
)
"""With a row for each image, file or answer."""
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
    return tuple(
        _Column(name=name, type=kind, may_be_null=not (fixed or key) and may_be_null(table, name), in_key=bool(key))
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


def damage_at_opening(connection: sqlite3.Connection) -> Message | None:
    """The first difference from the migrated schema, or damaged value in a small table; None if there is none."""
    return wrong_schema(connection) or next(damaged_cells(connection, besides=_LARGE_TABLES), None)


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


def damaged_cells(connection: sqlite3.Connection, *, besides: Collection[str] = ()) -> Iterator[Message]:
    """Each value that cannot be right, and where; reads every row of all tables except `besides`.

    While iterating, the connection may return text with surrogate escapes. SQLite's own errors are raised.
    """
    connection.text_factory = _as_text  # damaged text may be invalid UTF-8
    try:
        for table, columns in _schema(migrations.STEPS)[0].items():
            if table not in besides:
                yield from _damage_in_table(connection, table, columns)
        unequal = () if "predictions" in besides else connection.execute(_UNEQUAL_LOGITS)
        for (model,) in unequal:
            yield Message("in the table predictions, logits of the model {model} differ in length", model=_shown(model))
    finally:
        connection.text_factory = str


def _damage_in_table(connection: sqlite3.Connection, table: str, columns: tuple[_Column, ...]) -> Iterator[Message]:
    checks = [check_of(table, column.name, column.type) for column in columns]
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


def _as_text(kept: bytes) -> str:
    return kept.decode(errors="surrogateescape")


def _shown(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
