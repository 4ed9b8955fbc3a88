"""A transaction that begins while a statement of its connection still has rows to give: refused in every test.

Such a statement keeps the state of the catalog from before another process wrote, and SQLite then refuses to write at
once ("in use by another process"), however long it may wait. Alone, no test would see it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from classifier.catalog.connection import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBE = "is_idle"


class OpenReadError(AssertionError):
    """A transaction began while a statement of its connection had rows to give."""


def has_open_read(connection: sqlite3.Connection) -> bool:
    """Whether a statement of `connection` still has rows to give: SQLite replaces no function meanwhile."""
    try:
        for _ in range(2):  # the first may only add it
            connection.create_function(_PROBE, 0, int)
    except sqlite3.OperationalError:
        return True
    return False


def refuse_open_reads() -> None:
    """From here on `Catalog.transaction` raises OpenReadError where it would write beside an open read."""
    begin = Catalog.transaction

    @contextmanager
    def checked(self: Catalog) -> Iterator[sqlite3.Connection]:
        if not self.connection.in_transaction and has_open_read(self.connection):
            raise OpenReadError
        with begin(self) as connection:
            yield connection

    Catalog.transaction = checked  # type: ignore[method-assign]
