"""Opens the SQLite file. While it is written it is in WAL mode (on network disks: DELETE with synchronous=EXTRA).

The last process to close it leaves WAL mode, so that at rest it is one file that can be read without creating others.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from classifier.catalog.category_folders import add_is_outside
from classifier.catalog.damage import DAMAGE_ERRORS, damage_at_opening, find_damage
from classifier.catalog.filesystem import check_state, is_on_network, make_state_folder, not_a_library, state_folder
from classifier.catalog.migrations import migrate, pending
from classifier.catalog.sqlite_file import (
    PRIMARY_CODE,
    connect,
    connect_reading,
    copy_to_memory,
    leave_wal_mode,
    set_up,
)
from classifier.errors import FilingStopped, IllsortError, LibraryError, LibraryInUse, Message, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

NAME = "catalogue.sqlite"


class Catalog:
    """An open catalog, to be used in a `with` statement; `at_rest` leaves WAL mode on closing.

    `path` is None for one in memory; `copied_from` is then its name in messages. Errors caused by the disk, another
    process or damage leave the `with` statement as LibraryError or FilingStopped; other errors are bugs and are not
    converted.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        path: Path | None,
        copied_from: Path | None = None,
        at_rest: bool = False,
    ) -> None:
        add_is_outside(connection)
        self.connection, self.path, self._at_rest = connection, path, at_rest
        self._name = path or copied_from or Path("in memory")
        self.named: set[Path] = set()
        """The crawls that were named on the command line."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            converted = _as_illsort_error(error, self._name, self.connection) if error else None
        finally:
            self.close()
        if converted is not None:
            raise converted from error

    def close(self) -> None:
        """Close, leaving one file at rest unless another process has it open; a second call does nothing."""
        if self._at_rest:
            with suppress(sqlite3.Error):
                leave_wal_mode(self.connection)
        self.connection.close()

    def version(self) -> int:
        """A number that changes whenever another connection has written."""
        (number,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed durably on leaving, rolled back on any exception; may be nested."""
        inner = self.connection.in_transaction
        try:
            self.connection.execute("SAVEPOINT part" if inner else "BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("RELEASE part" if inner else "COMMIT")
        except BaseException as error:
            self._roll_back(inner=inner)
            if (converted := _as_illsort_error(error, self._name)) is not None:
                raise converted from error
            raise

    def _roll_back(self, *, inner: bool) -> None:
        # SQLite rolls back by itself after some disk errors.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK TO part" if inner else "ROLLBACK")
            if inner:
                self.connection.execute("RELEASE part")


def is_library(folder: Path) -> bool:
    """Whether `folder` has a catalog."""
    return (state_folder(folder) / NAME).is_file()


def library_around(folder: Path) -> Path | None:
    """The library that `folder`, an absolute path, is or lies in."""
    return next((one for one in (folder, *folder.parents) if is_library(one)), None)


def open_catalog(library: Path) -> Catalog:
    """Open a library's catalog to write; it is created and migrated where needed.

    Raises LibraryError when the folder cannot be used, or the catalog is damaged, newer than the program or locked.
    """
    path = make_state_folder(library) / NAME
    with _errors_in_words(path):
        connection = connect(path)
        try:
            set_up(connection, network=is_on_network(path.parent))
            migrate(connection)
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return Catalog(connection, path=path, at_rest=True)


def read_catalog(library: Path) -> Catalog:
    """Open a library's catalog to read, without changing or creating any file; LibraryError if there is none."""
    path = check_state(library) / NAME
    if not path.is_file():
        raise not_a_library(library, path)
    with _errors_in_words(path):
        connection = connect_reading(path)
        try:
            if pending(connection):
                connection = _migrated_copy(connection)
            _check(connection, path)
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    return Catalog(connection, path=path)


def copy_in_memory(library: Path) -> Catalog:
    """A copy of the catalog (empty if there is none) in memory, for dry runs. Changes nothing on the disk."""
    path = check_state(library) / NAME
    with _errors_in_words(path):
        source = connect_reading(path) if path.is_file() else sqlite3.connect(":memory:", isolation_level=None)
        copy = _migrated_copy(source)
        _check(copy, path)
        return Catalog(copy, path=None, copied_from=path)


@contextmanager
def reported_as_library_error(library: Path) -> Iterator[None]:
    """Report damage as LibraryError, for catalogs that stay open longer than a `with` statement."""
    try:
        yield
    except DAMAGE_ERRORS:
        with read_catalog(library):
            raise


def _migrated_copy(source: sqlite3.Connection) -> sqlite3.Connection:
    copy = copy_to_memory(source)
    try:
        copy.execute("PRAGMA foreign_keys = ON")
        migrate(copy)
    except BaseException:
        copy.close()
        raise
    return copy


@contextmanager
def _errors_in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _as_illsort_error(error, path) or LibraryError(
            "cannot use the catalog {path}: {why}", path=path, why=message_of(error)
        ) from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if (damage := damage_at_opening(connection)) is not None:
        raise _broken_catalog(path, damage)


def _as_illsort_error(
    error: BaseException, path: Path, connection: sqlite3.Connection | None = None
) -> IllsortError | None:
    """The error for the user if the disk, another process or damage in the catalog caused `error`, else None."""
    code = getattr(error, "sqlite_errorcode", -1) & PRIMARY_CODE
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _broken_catalog(path, message_of(error))
    if code == sqlite3.SQLITE_BUSY:
        return LibraryInUse(Message("the catalog {path} is in use by another process", path=path))
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
        return FilingStopped("the catalog {path} cannot be written: {why}", path=path, why=message_of(error))
    found = find_damage(connection) if connection is not None and isinstance(error, DAMAGE_ERRORS) else None
    return None if found is None else _broken_catalog(path, found)


def _broken_catalog(path: Path, why: Message) -> LibraryError:
    return LibraryError(
        "the catalog {path} is broken ({why}): put back a copy of it, or put it aside and the next sort makes a new "
        "one, without what you answered",
        path=path,
        why=why,
    )
