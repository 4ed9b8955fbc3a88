"""Connections to a SQLite file: its URI, the settings of one that writes, and reading without changing anything."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path, PurePath

CACHE_KIB = 32_768  # as fast as more, with 300,000 images too; with SQLite's default of 2 MB, lookups read the file
PRIMARY_CODE = 0xFF  # the low byte of SQLite's extended codes
_WAIT_SECONDS = 30.0
_LOG_PAGES = 16_384  # 64 MB: with SQLite's default of 4 MB, many small commits write each page twice
_WAL_VERSION = 2
# SQLITE_PROTOCOL: a kill interrupted the creation of the index; SQLite waits ten seconds for it first.
_NEEDS_WRITING = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL})


def uri_of(path: PurePath, **options: str) -> str:
    """The URI of an absolute path; percent-encoded, because the path may hold any bytes.

    SQLite refuses a host, as `file://nas/share` of a Windows network path has one: its path begins with two slashes.
    """
    uri = path.as_uri()
    if not uri.startswith("file:///"):
        uri = "file:////" + uri.removeprefix("file://")
    return f"{uri}?{'&'.join(f'{name}={value}' for name, value in options.items())}"


def connect(path: Path, **options: str) -> sqlite3.Connection:
    """Connect with the URI's `options`."""
    return sqlite3.connect(uri_of(path.absolute(), **options), uri=True, isolation_level=None, timeout=_WAIT_SECONDS)


def set_up(connection: sqlite3.Connection, *, network: bool) -> None:
    """Prepare a connection that writes: durably, with foreign keys, and in WAL mode if the disk allows it."""
    wanted = "DELETE" if network else "WAL"
    (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
    connection.execute(f"PRAGMA synchronous = {'FULL' if mode == 'wal' else 'EXTRA'}")
    connection.execute("PRAGMA fullfsync = ON")  # only macOS has it: there, fsync leaves data in the drive's cache
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")


def leave_wal_mode(connection: sqlite3.Connection) -> None:
    """Leave one file at rest; raises sqlite3.Error if another process has it open."""
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA journal_mode = DELETE")


def connect_reading(path: Path) -> sqlite3.Connection:
    """Open read-only, without creating or changing a file beside the catalog: at rest, in use, or left by a kill.

    `readonly_shm` makes SQLite index a leftover WAL in memory. If that needs writing too (a leftover rollback journal,
    a WAL without its index), no process has it open, and a copy is recovered instead.
    """
    connection = connect(path, mode="ro", **_read_only_options(path))
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & PRIMARY_CODE not in _NEEDS_WRITING:
            raise
        return _recovered_copy(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_only_options(path: Path) -> dict[str, str]:
    log = path.with_name(path.name + "-wal")
    if log.exists():
        return {"readonly_shm": "1"}
    return {"immutable": "1"} if _is_in_wal_mode(path) else {}


def _is_in_wal_mode(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:20] == bytes([_WAL_VERSION, _WAL_VERSION])


def _recovered_copy(path: Path) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory(prefix="illsort-") as folder:
        for end in ("", "-wal", "-journal"):
            part = path.with_name(path.name + end)
            if part.exists():
                shutil.copyfile(part, Path(folder) / part.name)
        return copy_to_memory(sqlite3.connect(Path(folder) / path.name, isolation_level=None))


def copy_to_memory(source: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of an open database; `source` is closed."""
    with closing(source):
        copy = sqlite3.connect(":memory:", isolation_level=None)
        source.backup(copy)
    return copy
