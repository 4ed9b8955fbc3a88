from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import connection as database
from classifier.catalog import decisions, filesystem, migrations, sqlite_file
from classifier.catalog.connection import Catalog, copy_in_memory, open_catalog, read_catalog
from classifier.catalog.sqlite_file import uri_of
from classifier.errors import FilingStopped, LibraryError
from classifier.records import Action, Decision, ImageId
from kit import reasons

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = [read_catalog, copy_in_memory]
ROOT = Path(__file__).resolve().parents[2]
KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from classifier.catalog.connection import open_catalog
catalog = open_catalog(Path(sys.argv[1]))
catalog.connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
with catalog.transaction() as connection:
    connection.execute("INSERT INTO steps (at) VALUES ('2026-11-29T10:00:00+00:00')")
catalog.connection.execute("PRAGMA cache_size = 1")
catalog.connection.execute("BEGIN IMMEDIATE")
for _ in range(3000):
    catalog.connection.execute("INSERT INTO steps (at) VALUES (?)", ("x" * 1000,))
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows SIGTERM cannot be caught
"""


def count_steps(catalog: Catalog) -> int:
    """How many steps a catalog has."""
    (count,) = catalog.connection.execute("SELECT count(*) FROM steps").fetchone()
    return int(count)


def add_step(catalog: Catalog) -> None:
    """Record a step."""
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO steps (at) VALUES ('2026-11-29T10:00:00+00:00')")


def add_step_and_fail(catalog: Catalog) -> None:
    """Record a step in a transaction that then fails."""
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO steps (at) VALUES ('2026-11-29T10:00:00+00:00')")
        raise KeyError


def state(library: Path) -> dict[str, tuple[int, int]]:
    """Every file of the library's state, with what a change would change."""
    folder = library / ".illsort"
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


def leave_killed(library: Path, mode: str) -> None:
    """A catalog with one run, and a transaction that a kill cut short."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", KILLED_WRITER, library, mode], env=environment, check=False)
    assert len(state(library)) > 1


def test_written_rows_are_read_back(tmp_path: Path) -> None:
    with open_catalog(tmp_path / "library") as catalog:
        add_step(catalog)
    with open_catalog(tmp_path / "library") as catalog:
        assert 1 == count_steps(catalog)


def test_an_open_catalog_uses_sqlites_most_durable_settings(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        settings = [catalog.connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")]
        assert [("wal",), (2,)] == settings
        assert (1,) == catalog.connection.execute("PRAGMA foreign_keys").fetchone()
        assert (1,) == catalog.connection.execute("PRAGMA fullfsync").fetchone()


def test_a_network_disk_has_no_wal_and_more_syncing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "is_on_network", lambda _: True)
    with open_catalog(tmp_path) as catalog:
        settings = [catalog.connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")]
        assert [("delete",), (3,)] == settings


def test_at_rest_a_catalog_is_one_file(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        add_step(catalog)
    assert ["catalogue.sqlite"] == list(state(tmp_path))


@pytest.mark.parametrize("read", READERS)
def test_reading_a_catalog_at_rest_changes_no_file(tmp_path: Path, read: Callable[[Path], Catalog]) -> None:
    with open_catalog(tmp_path) as catalog:
        add_step(catalog)
    before = state(tmp_path)
    with read(tmp_path) as reading:
        assert (1, before) == (count_steps(reading), state(tmp_path))
    assert before == state(tmp_path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_reading_after_a_kill_sees_commits_and_changes_no_file(
    tmp_path: Path, mode: str, read: Callable[[Path], Catalog]
) -> None:
    leave_killed(tmp_path, mode)
    before = state(tmp_path)
    with read(tmp_path) as reading:
        assert 1 == count_steps(reading)
    assert before == state(tmp_path)


@pytest.mark.parametrize("read", READERS)
def test_a_wal_without_its_index_is_read(tmp_path: Path, read: Callable[[Path], Catalog]) -> None:
    leave_killed(tmp_path, "WAL")
    (tmp_path / ".illsort" / "catalogue.sqlite-shm").unlink()
    before = state(tmp_path)
    with read(tmp_path) as reading:
        assert 1 == count_steps(reading)
    assert before == state(tmp_path)


def test_a_catalog_in_wal_mode_is_read_without_creating_a_wal(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        add_step(catalog)
    connection = sqlite3.connect(tmp_path / ".illsort" / "catalogue.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    before = state(tmp_path)
    assert ["catalogue.sqlite"] == list(before)
    with read_catalog(tmp_path) as reading:
        assert 1 == count_steps(reading)
    assert before == state(tmp_path)


def test_a_reader_sees_commits_and_the_writer_still_leaves_wal_mode(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as writing, read_catalog(tmp_path) as reading:
        add_step(writing)
        assert 1 == count_steps(reading)
        add_step(writing)
        assert 2 == count_steps(reading)
    with open_catalog(tmp_path):
        pass
    assert ["catalogue.sqlite"] == list(state(tmp_path))


def test_a_catalog_opened_to_read_cannot_be_written(tmp_path: Path) -> None:
    with open_catalog(tmp_path):
        pass
    with read_catalog(tmp_path) as reading, pytest.raises(FilingStopped, match="cannot be written"):
        add_step(reading)


def test_reading_a_folder_does_not_make_it_a_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="is not an illsort library"):
        read_catalog(tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_a_dry_run_without_a_library_creates_no_file(tmp_path: Path) -> None:
    with copy_in_memory(tmp_path / "library") as catalog:
        add_step(catalog)
        assert 1 == count_steps(catalog)
    assert [] == list(tmp_path.iterdir())


def test_a_dry_run_writes_nothing_to_the_library(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        add_step(catalog)
    with copy_in_memory(tmp_path) as dry:
        add_step(dry)
        assert 2 == count_steps(dry)
    with read_catalog(tmp_path) as reading:
        assert 1 == count_steps(reading)


@pytest.mark.parametrize("use", [open_catalog, *READERS])
@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_catalog_is_reported_in_one_line(
    tmp_path: Path, use: Callable[[Path], Catalog], content: bytes
) -> None:
    (tmp_path / ".illsort").mkdir()
    (tmp_path / ".illsort" / "catalogue.sqlite").write_bytes(content)
    with pytest.raises(LibraryError, match=r"^the catalog .*catalogue\.sqlite is broken") as told:
        use(tmp_path)
    assert "\n" not in str(told.value)


def test_damage_found_while_using_a_catalog_is_a_library_error(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog, catalog.transaction() as connection:
        connection.executemany("INSERT INTO steps (at) VALUES (?)", [("x" * 1000,)] * 500)
    path = tmp_path / ".illsort" / "catalogue.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:200_000] + b"\xff" * 200_000 + whole[400_000:])
    with pytest.raises(LibraryError, match="is broken"), open_catalog(tmp_path) as catalog:
        sum_of_lengths(catalog)


def sum_of_lengths(catalog: Catalog) -> int:
    """Read every run to its end."""
    (total,) = catalog.connection.execute("SELECT sum(length(at)) FROM steps").fetchone()
    return int(total)


@pytest.mark.parametrize("use", [open_catalog, *READERS])
def test_a_newer_catalog_is_refused_with_a_reason(tmp_path: Path, use: Callable[[Path], Catalog]) -> None:
    with open_catalog(tmp_path) as catalog:
        catalog.connection.execute("INSERT INTO migrations VALUES ('m999_from_the_future', 'tomorrow')")
    with pytest.raises(LibraryError, match=r"newer illsort .*m999_from_the_future.*: update illsort"):
        use(tmp_path)


def test_an_older_catalog_is_read_through_a_migrated_copy(tmp_path: Path) -> None:
    (tmp_path / ".illsort").mkdir()
    sqlite3.connect(tmp_path / ".illsort" / "catalogue.sqlite").close()
    with read_catalog(tmp_path) as reading:
        assert 0 == count_steps(reading)
    assert 0 == (tmp_path / ".illsort" / "catalogue.sqlite").stat().st_size


def test_predictions_of_an_older_catalog_are_kept_by_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = [step.__name__ for step in migrations.STEPS].index("m009_answers_by_model")
    monkeypatch.setattr(migrations, "STEPS", migrations.STEPS[:newer])
    with open_catalog(tmp_path) as catalog:
        catalog.connection.execute("INSERT INTO predictions VALUES ('p', 'b', x'01', 0.5), ('q', 'a', x'02', NULL)")
    monkeypatch.undo()
    with open_catalog(tmp_path) as catalog:
        rows = catalog.connection.execute("SELECT model, picture, logits, novelty FROM predictions").fetchall()

    assert [("a", "q", b"\x02", None), ("b", "p", b"\x01", 0.5)] == rows


def test_previous_decisions_are_kept_in_an_older_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = [step.__name__ for step in migrations.STEPS].index("m014_decided_before") + 1
    monkeypatch.setattr(migrations, "STEPS", migrations.STEPS[:older])
    open_catalog(tmp_path).close()
    monkeypatch.undo()
    with open_catalog(tmp_path) as catalog:
        connection = catalog.connection
        assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'decided_otherwise'").fetchone() is None
        for run, confidence in ((1, 0.5), (2, 0.5), (3, 0.6), (3, 0.7), (4, 0.8)):
            one = Decision(
                image_id=ImageId("p"), action=Action.FILE, category="a", confidence=confidence, reason=reasons.ANY
            )
            decisions.save(catalog, [one], run=run)
        assert [(3, 1, 0.5), (4, 3, 0.7)] == connection.execute(
            "SELECT run, before, confidence FROM decided_before ORDER BY run"
        ).fetchall()


def test_a_file_in_place_of_the_library_is_a_library_error(tmp_path: Path) -> None:
    (tmp_path / "library").write_bytes(b"a file")
    with pytest.raises(LibraryError, match=r"cannot use .*library as a library"):
        open_catalog(tmp_path / "library")


def test_a_state_folder_that_cannot_be_listed_is_a_library_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: object) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(folder))

    with open_catalog(tmp_path):
        pass
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(LibraryError, match=r"^cannot use .* as a library: Input/output error$"):
        open_catalog(tmp_path)


def test_a_folder_in_place_of_the_catalog_is_a_library_error(tmp_path: Path) -> None:
    (tmp_path / ".illsort" / "catalogue.sqlite").mkdir(parents=True)
    with pytest.raises(FilingStopped, match="cannot be written"):
        open_catalog(tmp_path)


def test_a_failed_transaction_is_rolled_back(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        with pytest.raises(KeyError):
            add_step_and_fail(catalog)
        assert 0 == count_steps(catalog)


def test_an_inner_transaction_can_fail_alone(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        with catalog.transaction():
            add_step(catalog)
            with pytest.raises(KeyError):
                add_step_and_fail(catalog)
        assert 1 == count_steps(catalog)


def test_a_bug_in_a_statement_is_not_converted(tmp_path: Path) -> None:
    with (
        pytest.raises(sqlite3.OperationalError),
        open_catalog(tmp_path) as catalog,
        catalog.transaction() as connection,
    ):
        connection.execute("SELECT nothing FROM nowhere")


def test_a_catalog_locked_by_another_process_is_a_library_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_WAIT_SECONDS", 0.05)
    with open_catalog(tmp_path) as one, open_catalog(tmp_path) as other, one.transaction():
        told = pytest.raises(LibraryError, match="in use by another process")
        with told, other.transaction():
            pass


def test_a_catalog_locked_exclusively_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_WAIT_SECONDS", 0.05)
    with open_catalog(tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / ".illsort" / "catalogue.sqlite", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LibraryError, match="in use by another process"):
        read_catalog(tmp_path)
    connection.close()


def test_two_processes_that_migrate_at_once_apply_each_step_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_catalog(tmp_path):
        pass
    real, answers = migrations.pending, iter([[migrations.m001_first_tables]] * 2)
    monkeypatch.setattr(migrations, "pending", lambda connection: next(answers, None) or real(connection))
    with open_catalog(tmp_path) as catalog:
        assert (len(store_steps()),) == catalog.connection.execute("SELECT count(*) FROM migrations").fetchone()


def test_a_full_disk_under_the_catalog_stops_filing(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        (pages,) = catalog.connection.execute("PRAGMA page_count").fetchone()
        catalog.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(FilingStopped, match="full"), catalog.transaction() as connection:
            connection.executemany("INSERT INTO steps (at) VALUES (?)", [("x" * 1000,)] * 500)
        assert 0 == count_steps(catalog)


def test_a_failed_migration_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def m002_broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (done INTEGER)")
        raise OSError(errno.EIO, "broken")

    with open_catalog(tmp_path):
        pass
    monkeypatch.setattr("classifier.catalog.migrations.STEPS", (*store_steps(), m002_broken))
    for use in (open_catalog, *READERS):
        with pytest.raises(LibraryError, match="broken"):
            use(tmp_path)
    monkeypatch.undo()
    with open_catalog(tmp_path) as catalog:
        assert None is catalog.connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchone()


def store_steps() -> tuple[Callable[[sqlite3.Connection], None], ...]:
    """The steps as released."""
    from classifier.catalog.migrations import STEPS  # noqa: PLC0415 - as they are at this instant

    return STEPS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_library_may_have_any_path(tmp_path: Path) -> None:
    library = tmp_path / os.fsdecode(b"100% \xff?#\n")
    with open_catalog(library) as catalog:
        add_step(catalog)
    with read_catalog(library) as reading:
        assert 1 == count_steps(reading)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts are read on Linux")
@pytest.mark.parametrize(("kind", "expected"), [("ext4", False), ("nfs4", True), ("fuse.sshfs", True), ("9p", True)])
def test_a_network_disk_is_recognized_by_its_mount(tmp_path: Path, kind: str, expected: bool) -> None:
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 0:999 / /other rw - nfs x rw\n36 35 {number} / /mnt rw shared:1 - {kind} /dev/x rw\n")
    assert expected == filesystem.is_on_network(tmp_path, mounts=mounts)


@pytest.mark.skipif(sys.platform == "win32", reason="known by the path there")
@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PureWindowsPath(r"\\nas\share\lib 1\50%.db"), "file:////nas/share/lib%201/50%25.db?mode=ro"),
        (PureWindowsPath(r"C:\lib\a?b#.db"), "file:///C:/lib/a%3Fb%23.db?mode=ro"),
        (PurePosixPath("/lib/a?b.db"), "file:///lib/a%3Fb.db?mode=ro"),
    ],
)
def test_a_library_on_a_windows_share_has_a_uri_that_sqlite_takes(path: PurePath, uri: str) -> None:
    assert uri == uri_of(path, mode="ro")


def test_only_one_module_makes_uris_for_sqlite() -> None:
    found = [
        path.name for path in (ROOT / "classifier" / "catalog").glob("*.py") if "as_uri" in path.read_text("utf-8")
    ]
    assert ["sqlite_file.py"] == found


def test_an_unknown_disk_counts_as_local(tmp_path: Path) -> None:
    assert not filesystem.is_on_network(tmp_path, mounts=tmp_path / "missing")
